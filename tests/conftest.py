from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from artcurate.progress import ProgressMode
from artcurate.sources.synthetic.artelingo import write_artelingo_sample
from artcurate.sources.synthetic.korean import write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode

# A busy machine is no failure of an invariant, and the same commit gives the same verdict.
hypothesis.settings.register_profile("artcurate", deadline=None, derandomize=True)
hypothesis.settings.load_profile("artcurate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests begin first, so that in the end no worker waits for the one that has them."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def data_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test finds, or leaves behind, anything in the user's own data home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARTCURATE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real excerpts; tests that need it skip where there is none."""
    named = os.environ.get("ARTCURATE_REAL_DATA")
    if not named:
        pytest.skip("ARTCURATE_REAL_DATA is not set: no real excerpts at hand")
    return Path(named)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic raw inputs of 60 paintings, not to be changed."""
    folder = tmp_path_factory.mktemp("sample") / "raw"
    write_artelingo_sample(folder, paintings=60, seed=3, image_size=96, progress=ProgressMode.QUIET)
    return folder


@pytest.fixture(scope="session")
def korean_sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic ECC and CID of 16 persons, in folders of those names, not to be changed."""
    folder = tmp_path_factory.mktemp("korean") / "raw"
    write_korean_sample(
        folder,
        persons=16,
        dialogues=120,
        images=200,
        pixels=PixelMode.THUMBNAIL,
        progress=ProgressMode.QUIET,
    )
    return folder

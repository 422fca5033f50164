"""Built datasets of both corpora, a Hub on the loopback interface, and the command line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from artcurate import cli
from artcurate.pipeline import load_bundled, resolve
from artcurate.progress import ProgressMode
from artcurate.runner import build
from artcurate.sources.synthetic.artelingo import write_artelingo_sample
from artcurate.sources.synthetic.korean import write_korean_sample

sys.path.insert(0, str(Path(__file__).parent))
from hub_server import HubServer


@dataclass(frozen=True)
class Dataset:
    """A built dataset and what it was built from, by input. Not to be changed."""

    out: Path
    inputs: dict[str, list[Path]]


@pytest.fixture(scope="session")
def paintings(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("paintings")
    raw = folder / "raw"
    write_artelingo_sample(raw, paintings=40, seed=1, image_size=48, progress=ProgressMode.QUIET)
    inputs = {"annotations": [raw / "artelingo_release.csv"], "images": [raw / "wikiart"]}
    pipeline = resolve(load_bundled("artelingo"), ["agreement.draws=20", "max_quarantined=0.2"])
    build(pipeline, inputs, folder / "artelingo", workers=1)
    return Dataset(folder / "artelingo", inputs)


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("faces")
    raw = folder / "raw"
    write_korean_sample(raw, persons=20, dialogues=300, images=500, image_size=64, seed=0)
    inputs = {"ecc": [raw / "ecc"], "cid": [raw / "cid"]}
    build(resolve(load_bundled("korean")), inputs, folder / "korean", workers=1)
    return Dataset(folder / "korean", inputs)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub that this process talks to, with pauses that take no time."""
    with HubServer().running() as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        hurried = SimpleNamespace(**{**vars(time), "sleep": running.pauses.append})
        monkeypatch.setattr("huggingface_hub.utils._http.time", hurried)
        from artcurate.hub import remote
        from artcurate.net.retry import Retry

        monkeypatch.setattr(remote, "Retry", partial(Retry, first=0.001, longest=0.002))
        yield running


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class CommandLine:
    """`artcurate` in this process, as `main` runs it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Ended:
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["artcurate", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = self._capsys.readouterr()
        return Ended(code, out, err)


@pytest.fixture
def artcurate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(monkeypatch, capsys)

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.frames import FramesParameters, frames


def burst(size: int, **record: Any) -> list[dict[str, Any]]:
    return [{"taken": f"{20200101000000 + n}", **record} for n in range(size)]


@pytest.fixture
def corpus(korean: Callable[..., Corpus]) -> Corpus:
    return korean(
        [
            *burst(36, person="a"),
            *burst(5, person="a", emotion="hurt"),
            *burst(4, person="a", place="003"),
            *burst(2, person="b"),
        ]
    )


def test_a_burst_counts_as_a_few(corpus: Corpus) -> None:
    result = frames(corpus, parameters=FramesParameters(most=3))
    kept = Counter(result.images.select("person", "emotion", "place").iter_rows())
    assert sorted(kept.values()) == [2, 3, 3, 3]
    assert result.quarantine["by_design"].all()
    assert set(result.quarantine["reason"]) == {"similar_frame"}
    found = result.findings["frames"]
    assert (found["images_in"], found["images_out"]) == (47, 11)
    assert (found["bursts"], found["capped"], found["largest"], found["by"]) == (4, 3, 36, "time")
    cells = {cell["emotion"]: cell["images"] for cell in found["cells"]}
    assert cells == {"anger": 34, "hurt": 2}


def test_without_hashes_the_frames_lie_far_apart_in_time(corpus: Corpus) -> None:
    result = frames(corpus, parameters=FramesParameters(most=3))
    chosen = result.images.filter(emotion="anger", place="010").sort("taken")
    times = [
        int(t) % 100
        for t, p in chosen.select("taken", "person").iter_rows()
        if p == corpus.images["person"][0]
    ]
    assert np.diff(times).tolist() == [12, 12]


def test_with_hashes_the_most_different_stay(korean: Callable[..., Corpus]) -> None:
    alike = [{"phash": 0xFFFF ^ (1 << n)} for n in range(9)]
    corpus = korean([*alike, {"phash": 0xFFFF << 32}, {"phash": 0xFFFF << 48}])
    result = frames(corpus, parameters=FramesParameters(most=3))
    assert {0xFFFF << 32, 0xFFFF << 48} < set(result.images["phash"])
    assert result.findings["frames"]["by"] == "phash"


def test_the_order_of_rows_decides_nothing_and_the_seed_does(corpus: Corpus) -> None:
    def kept(images: Any, seed: int) -> set[str]:
        changed = Corpus(corpus.annotations, images)
        return set(frames(changed, parameters=FramesParameters(seed=seed)).images["id"])

    assert kept(corpus.images, 0) == kept(corpus.images.sample(fraction=1, shuffle=True, seed=1), 0)
    assert len({frozenset(kept(corpus.images, seed)) for seed in range(5)}) > 1


def test_images_without_labels_are_refused(corpus: Corpus) -> None:
    bare = Corpus(corpus.annotations, corpus.images.drop("emotion"))
    with pytest.raises(DataError, match="emotion"):
        frames(bare, parameters=FramesParameters())

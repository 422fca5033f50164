"""`artcurate.load`: a built dataset as rows to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Dataset

import artcurate
from artcurate.errors import UsageError
from artcurate.hub.publish import Wishes, prepare


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_the_default_view_is_the_default_config(paintings: Dataset, cache: Path) -> None:
    splits = artcurate.load(paintings.out, cache_dir=cache)

    assert list(splits) == ["train", "validation", "test"]
    row = splits["train"][0]
    assert row["soft_label"].dtype == np.float32
    assert row["soft_label"].shape == (9,)
    assert row["soft_label"].sum() == pytest.approx(1)
    assert row["soft_label"][row["emotion"]] == row["soft_label"].max()
    assert row["image"].mode == "RGB"
    assert isinstance(row["captions"], list)
    assert splits["train"][:4]["soft_label"].shape == (4, 9)


def test_captions_come_with_the_picture_and_soft_label_of_their_painting(
    paintings: Dataset, cache: Path
) -> None:
    captions = artcurate.load(paintings.out, "captions", cache_dir=cache)
    whole = artcurate.load(paintings.out, "paintings", cache_dir=cache)
    plain = artcurate.load(paintings.out, "annotations", cache_dir=cache)

    for split in whole:
        by_id = {row["painting_id"]: row for row in whole[split]}
        assert captions[split].num_rows == plain[split].num_rows
        for caption, annotation in zip(captions[split], plain[split], strict=True):
            painting = by_id[caption["painting_id"]]
            assert caption["id"] == annotation["id"]
            assert caption["text"] in [one["text"] for one in painting["captions"]]
            assert np.array_equal(caption["soft_label"], painting["soft_label"])
            assert caption["image"].tobytes() == painting["image"].tobytes()


def test_a_slice_of_captions_is_a_batch(paintings: Dataset, cache: Path) -> None:
    batch = artcurate.load(paintings.out, "captions", cache_dir=cache)["train"][:3]

    assert len(batch["text"]) == len(batch["image"]) == len(batch["soft_label"]) == 3
    assert "picture_row" not in batch
    assert batch["emotion"].dtype == np.int64


def test_a_loader_of_torch_makes_tensors_of_it(paintings: Dataset, cache: Path) -> None:
    torch = pytest.importorskip("torch", exc_type=ImportError)
    train = artcurate.load(paintings.out, "captions", cache_dir=cache)["train"]

    def collate(rows: list[dict[str, object]]) -> dict[str, object]:
        kept = ("text", "emotion", "soft_label")
        return dict(torch.utils.data.default_collate([{k: row[k] for k in kept} for row in rows]))

    loader = torch.utils.data.DataLoader(train, batch_size=4, collate_fn=collate, num_workers=2)
    batch = next(iter(loader))
    assert batch["soft_label"].shape == (4, 9)
    assert batch["soft_label"].dtype == torch.float32
    assert batch["emotion"].dtype == torch.int64


def test_pairs_hold_a_picture_a_sentence_and_a_label(faces: Dataset, cache: Path) -> None:
    splits = artcurate.load(faces.out, cache_dir=cache)
    row = splits["train"][0]

    assert row["text"]
    assert row["image"].size[0] > 0
    assert row["emotion"].dtype == np.int64
    assert splits["train"].features["emotion"].names[0] == "happiness"


def test_an_unknown_view_is_answered_with_the_nearest(
    paintings: Dataset, faces: Dataset, cache: Path
) -> None:
    with pytest.raises(UsageError, match="did you mean 'paintings'"):
        artcurate.load(paintings.out, "painting", cache_dir=cache)
    with pytest.raises(UsageError, match="no view 'captions'"):
        artcurate.load(faces.out, "captions", cache_dir=cache)


def test_a_recipe_is_no_dataset(faces: Dataset, tmp_path: Path) -> None:
    for file in prepare(faces.out, Wishes(recipe=True)).files:
        (tmp_path / file.name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file.name).write_bytes(file.read())

    with pytest.raises(UsageError, match="is a recipe"):
        artcurate.load(tmp_path)

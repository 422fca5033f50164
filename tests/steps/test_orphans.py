from __future__ import annotations

import polars as pl

from artcurate.corpus import Corpus
from artcurate.steps.orphans import set_images_aside

FAULTY = pl.DataFrame({"id": ["p"], "reason": ["truncated"], "detail": ["It ends early."]})


def test_captions_go_with_their_picture() -> None:
    corpus = Corpus(
        pl.DataFrame({"id": ["1", "2"], "image_id": ["p", "q"]}), pl.DataFrame({"id": ["p", "q"]})
    )
    result = set_images_aside(corpus, FAULTY, step="write")
    assert result.annotations["id"].to_list() == ["2"]
    assert result.images["id"].to_list() == ["q"]
    assert result.quarantine.filter(table="annotations").select("reason", "detail").row(0) == (
        "image_truncated",
        "its image p was left out: It ends early.",
    )


def test_pairs_go_and_sentences_without_pairs_too() -> None:
    corpus = Corpus(
        annotations=pl.DataFrame({"id": ["s", "t"]}),
        images=pl.DataFrame({"id": ["p", "q", "r"]}),
        pairs=pl.DataFrame(
            {
                "id": ["s-1", "t-1", "t-2"],
                "annotation_id": ["s", "t", "t"],
                "image_id": ["p", "p", "q"],
                "draws": [["t-2"], ["s-1"], ["s-1"]],
            }
        ),
    )
    result = set_images_aside(corpus, FAULTY, step="write")
    assert result.pairs["id"].to_list() == ["t-2"]
    assert result.pairs["draws"].to_list() == [[None]]
    assert result.annotations["id"].to_list() == ["t"]
    assert [result.count(table) for table in ("annotations", "images", "pairs")] == [
        (1, 1),
        (2, 1),
        (1, 2),
    ]

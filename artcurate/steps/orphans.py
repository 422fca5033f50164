"""Images leave the corpus, and with them what cannot stand without them."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from artcurate.corpus import Corpus


def set_images_aside(corpus: Corpus, faulty: pl.DataFrame, *, step: str) -> Corpus:
    """The corpus without the images in `faulty` (id, reason, detail), all of them in quarantine.

    Annotations and pairs that name such an image go too, with the reason image_<reason>, and so do
    annotations whose last pair went. In the other pairs' `draws` the lost ones become null.
    """
    orphans = faulty.select(
        image_id="id",
        reason=pl.format("image_{}", "reason"),
        detail=pl.format("its image {} was left out: {}", "id", "detail"),
    )
    lost_pairs = _naming(corpus.pairs, orphans)
    result = (
        corpus.set_aside("images", faulty, step=step)
        .set_aside("annotations", _naming(corpus.annotations, orphans), step=step)
        .set_aside("pairs", lost_pairs, step=step)
    )
    if lost_pairs.is_empty():
        return result
    unpaired = (
        corpus.pairs.select("id", "annotation_id")
        .join(lost_pairs, on="id", maintain_order="left")
        .join(result.pairs, on="annotation_id", how="anti", maintain_order="left")
        .select("reason", "detail", id="annotation_id")
    )
    return replace(result, pairs=_without_lost_draws(result.pairs, lost_pairs)).set_aside(
        "annotations", unpaired, step=step
    )


def _naming(table: pl.DataFrame, orphans: pl.DataFrame) -> pl.DataFrame:
    """id, reason and detail of the rows of `table` whose image is among `orphans`."""
    if "image_id" not in table.columns:
        return orphans.clear().rename({"image_id": "id"})
    return (
        table.select("id", "image_id")
        .join(orphans, on="image_id", maintain_order="left")
        .drop("image_id")
    )


def _without_lost_draws(pairs: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    if "draws" not in pairs.columns:
        return pairs
    gone = pl.element().is_in(lost["id"].to_list())
    return pairs.with_columns(pl.col("draws").list.eval(pl.when(~gone).then(pl.element())))

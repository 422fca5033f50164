"""The value that flows through a pipeline: tables, what was left out, and what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import polars as pl

from artcurate.net.paths import AnyPath

TableName = Literal["annotations", "images", "pairs"]

#: One row per annotation, image or pair that was left out.
#: `source` is the base name of the file (never a machine's path), `row` its 1-based data row.
#: `by_design` tells a rule of the pipeline (a capped frame, a dropped duplicate) from a fault.
QUARANTINE_SCHEMA: Mapping[str, pl.DataType] = {
    "id": pl.String(),
    "table": pl.String(),
    "source": pl.String(),
    "row": pl.Int64(),
    "step": pl.String(),
    "reason": pl.String(),
    "detail": pl.String(),
    "by_design": pl.Boolean(),
}


def empty_quarantine() -> pl.DataFrame:
    return pl.DataFrame(schema=dict(QUARANTINE_SCHEMA))


def empty_table() -> pl.DataFrame:
    return pl.DataFrame(schema={"id": pl.String})


@dataclass(frozen=True, slots=True)
class InputFile:
    """One raw input as the lock records it: a base name or a name inside its folder.

    url: where it was fetched from, without what a URL holds in secret; None for a local file.
    """

    input: str
    name: str
    bytes: int
    sha256: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """Tables on their way from raw files to shards.

    annotations: one row per caption or sentence; `id` is unique.
    images: one row per picture; `id` is unique. A picture lies at `roots[root] / location`,
        inside that container at `member` where `member` is not null.
    pairs: one row per annotation and image that were put together, with the ids of both as
        `annotation_id` and `image_id`; `id` is unique. Empty where nothing is paired.
    quarantine: every row left out so far (`QUARANTINE_SCHEMA`).
    roots: where each image root lies, on this machine or elsewhere; a path is never written
        anywhere, a URL only without its query.
    inputs: the raw files with their hashes.
    findings: what each step learned, JSON-able, under the step's name.
    """

    annotations: pl.DataFrame
    images: pl.DataFrame
    pairs: pl.DataFrame = field(default_factory=empty_table)
    quarantine: pl.DataFrame = field(default_factory=empty_quarantine)
    roots: Mapping[str, AnyPath] = field(default_factory=dict)
    inputs: tuple[InputFile, ...] = ()
    findings: Mapping[str, Any] = field(default_factory=dict)

    def with_findings(self, step: str, findings: Any) -> Corpus:
        """The same corpus, with what `step` learned added."""
        return replace(self, findings={**self.findings, step: findings})

    def set_aside(
        self,
        table: TableName,
        rows: pl.DataFrame,
        *,
        step: str,
        by_design: bool = False,
    ) -> Corpus:
        """Move rows of `table` to the quarantine.

        `rows` has the columns id, reason and detail; an id that stands twice counts once, with
        its first reason. `by_design` says that a rule of the pipeline leaves them out, not a
        fault of the data: such rows do not count against the build's budget.
        """
        if rows.is_empty():
            return self
        frame: pl.DataFrame = getattr(self, table)
        reasons = rows.select("id", "reason", "detail").unique(
            "id", keep="first", maintain_order=True
        )
        places = frame.select(
            "id",
            pl.col("source") if "source" in frame.columns else pl.lit("").alias("source"),
            (pl.col("row") if "row" in frame.columns else pl.lit(None).alias("row")).cast(pl.Int64),
        )
        left_out = (
            places.join(reasons, on="id", how="inner", maintain_order="left")
            .with_columns(table=pl.lit(table), step=pl.lit(step), by_design=pl.lit(by_design))
            .select([pl.col(name).cast(dtype) for name, dtype in QUARANTINE_SCHEMA.items()])
        )
        kept = frame.join(left_out.select("id"), on="id", how="anti", maintain_order="left")
        quarantine = pl.concat([self.quarantine, left_out])
        if table == "annotations":
            return replace(self, annotations=kept, quarantine=quarantine)
        if table == "images":
            return replace(self, images=kept, quarantine=quarantine)
        return replace(self, pairs=kept, quarantine=quarantine)

    def count(self, table: TableName) -> tuple[int, int]:
        """(rows in `table`, rows of `table` in quarantine)."""
        frame: pl.DataFrame = getattr(self, table)
        return frame.height, self.quarantine.filter(pl.col("table") == table).height


def merge(parts: Sequence[Corpus]) -> Corpus:
    """One corpus from what several readers gave; tables are stacked in the order given."""
    return Corpus(
        annotations=_stack([part.annotations for part in parts]),
        images=_stack([part.images for part in parts]),
        pairs=_stack([part.pairs for part in parts]),
        quarantine=pl.concat([part.quarantine for part in parts]),
        roots={name: path for part in parts for name, path in part.roots.items()},
        inputs=tuple(file for part in parts for file in part.inputs),
        findings={name: value for part in parts for name, value in part.findings.items()},
    )


def _stack(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    filled = [frame for frame in frames if frame.width]
    return pl.concat(filled, how="diagonal") if filled else empty_table()

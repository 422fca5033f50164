"""One list of dialogues from all files, each dialogue once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from artcurate.sources.ecc.files import DialogueFile
from artcurate.sources.ecc.match import differences, match

#: So many characters of a file's sha256 begin the ids of records that have no id of their own.
_ID_PREFIX = 8
_COMPARED = (
    "content",
    "age_group",
    "gender",
    "situation",
    "disease",
    "emotion",
    "fine_emotion",
    "persona",
)
#: What a table may tell of a dialogue whose record does not.
_TOLD = ("release", "situation", "disease", "fine_emotion")
_NO_DIFFERENCES = pl.DataFrame(
    schema={
        "dialogue": pl.String,
        "field": pl.String,
        "kept": pl.String,
        "other": pl.String,
        "source": pl.String,
        "row": pl.Int64,
    }
)


@dataclass(frozen=True, slots=True)
class Merged:
    """Every dialogue of all files once.

    dialogues: the columns of `decode_dialogues` with dialogue (its id), source, form (of the file
        that won), and tables (in how many spreadsheets and CSV files it stands).
    repeated: how many records are copies of an earlier record with the same talk-id.
    differences: where a spreadsheet disagrees with the record that won: dialogue, field, kept,
        other, source and row (of the one that lost).
    """

    dialogues: pl.DataFrame
    repeated: int
    differences: pl.DataFrame


def merge_files(files: Sequence[DialogueFile]) -> Merged:
    """Merge `files`, JSON before spreadsheets; an earlier file's record wins over a later one's.

    JSON records count once per talk-id; those that differ are given the reason conflicting_copies.
    Of spreadsheets and CSV files the dialogues that no earlier file has are added; of the others
    they tell what the earlier file does not: the release, and which of its two meanings D02 has.
    """
    labelled = [_labelled(file) for file in files]
    records = [frame for frame in labelled if frame["form"].first() == "json"]
    everything = pl.concat([labelled[0].clear(), *records])
    merged = _once_per_talk(everything)
    repeated = everything.height - merged.height
    disagreements = [_NO_DIFFERENCES]
    for table in labelled:
        if table["form"].first() in ("xlsx", "csv"):
            pairs = match(merged, table)
            disagreements.append(_disagreements(merged, table, pairs))
            merged = pl.concat([_completed(merged, table, pairs), _unpaired(table, pairs)])
    merged = merged.with_columns(dialogue=_dialogue_ids(merged))
    return Merged(merged, repeated, pl.concat(disagreements))


def _labelled(file: DialogueFile) -> pl.DataFrame:
    return file.dialogues.with_columns(
        source=pl.lit(file.name),
        form=pl.lit(file.form),
        prefix=pl.lit(file.sha256[:_ID_PREFIX]),
        tables=pl.lit(0 if file.form == "json" else 1, pl.Int32),
    )


def _once_per_talk(records: pl.DataFrame) -> pl.DataFrame:
    """The first record of every talk-id; all of those whose copies differ, with that reason."""
    copies = records.filter(pl.col("talk").is_not_null() & pl.col("talk").is_duplicated())
    variants = (
        copies.unique(["talk", *_COMPARED], keep="first", maintain_order=True)
        .filter(pl.col("talk").is_duplicated())
        .get_column("talk")
        .unique()
    )
    conflicting = pl.col("talk").is_in(variants.implode()).fill_null(False)
    later_copy = pl.col("talk").is_not_null() & ~pl.col("talk").is_first_distinct()
    return records.filter(conflicting | ~later_copy).with_columns(
        reason=pl.when(conflicting).then(pl.lit("conflicting_copies")).otherwise("reason"),
        detail=pl.when(conflicting)
        .then(pl.format("Records with the talk-id {} differ.", "talk"))
        .otherwise("detail"),
    )


def _disagreements(merged: pl.DataFrame, table: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    found = differences(merged, table, pairs)
    winner, loser = merged[found["mine"]], table[found["theirs"]]
    place = pl.format("{}, row {}", "source", "row")
    return found.select(
        "field",
        "kept",
        "other",
        dialogue=winner.select(pl.coalesce("talk", place)).to_series(),
        source=loser["source"],
        row=loser["row"],
    ).select(_NO_DIFFERENCES.columns)


def _completed(merged: pl.DataFrame, table: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """`merged` with what the paired rows of `table` tell and it does not."""
    told = pairs.hstack(table[pairs["theirs"]].select(pl.col(*_TOLD).name.prefix("table_"))).drop(
        "theirs"
    )
    vague = pl.col("disease").is_null() | (pl.col("disease") == "not_told")
    tells_apart = pl.col("table_disease").is_in(["D02", "not_asked"]) | pl.col("disease").is_null()
    return (
        merged.with_row_index("mine")
        .join(told, on="mine", how="left", maintain_order="left")
        .with_columns(
            *(
                pl.coalesce(name, f"table_{name}").alias(name)
                for name in _TOLD
                if name != "disease"
            ),
            disease=pl.when(vague & tells_apart)
            .then(pl.coalesce("table_disease", "disease"))
            .otherwise("disease"),
            tables=pl.col("tables") + pl.col("mine").is_in(pairs["mine"].implode()),
        )
        .select(merged.columns)
    )


def _unpaired(table: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    numbered = table.with_row_index("theirs")
    return numbered.join(pairs, on="theirs", how="anti", maintain_order="left").select(
        table.columns
    )


def _dialogue_ids(merged: pl.DataFrame) -> pl.Series:
    """The talk-id; for a dialogue that only a table has, its release and counter.

    Where tables share counters, what is said tells their dialogues apart.
    """
    row = pl.col("row").cast(pl.String)
    named = merged.select(
        "content",
        dialogue=pl.when(pl.col("reason") == "malformed_record")
        .then(pl.concat_str("prefix", pl.lit("-"), row.str.zfill(7)))
        .otherwise(
            pl.coalesce(
                "talk",
                pl.format(
                    "xlsx-{}-{}",
                    pl.col("release").fill_null("unknown"),
                    pl.coalesce("counter", pl.concat_str(pl.lit("row"), row)),
                ),
            )
        ),
        of_table=pl.col("talk").is_null(),
    )
    shared = pl.col("of_table") & pl.col("dialogue").is_duplicated()
    digests = named.filter(shared).select("content").unique()
    digests = digests.with_columns(
        digest=pl.Series([_digest(text) for text in digests["content"]], dtype=pl.String)
    )
    apart = named.join(digests, on="content", how="left", maintain_order="left").with_columns(
        dialogue=pl.when(shared)
        .then(pl.concat_str("dialogue", pl.lit("-"), "digest"))
        .otherwise("dialogue")
    )
    copy = pl.int_range(1, pl.len() + 1).over("dialogue")
    again = pl.col("of_table") & (copy > 1)
    return apart.select(
        pl.when(again).then(pl.format("{}-{}", "dialogue", copy)).otherwise("dialogue")
    ).to_series()


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:_ID_PREFIX]

"""The same dialogue in two files: found by what is said in it, counted once, compared."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from artcurate.sources.ecc.codes import TURNS
from artcurate.sources.ecc.dialogues import SEPARATOR

_PROFILE = ("age_group", "gender", "situation", "emotion", "fine_emotion")
_FIELDS = (*_PROFILE, "disease")
#: A sentence that stands more often is small talk and tells no dialogue from another.
_MOST_FREQUENT = 8
_PAIRS = {"mine": pl.UInt32, "theirs": pl.UInt32}


def match(mine: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Which rows of two frames of dialogues (`decode_dialogues`) are the same dialogue.

    Returns the columns mine and theirs (row numbers from 0), each row in one pair at most. Equal
    in every sentence and in the profile comes first, then equal in every sentence, then at least
    half of the sentences. Two dialogues of different releases are never the same. Copies of a
    dialogue within one frame pair off in order.
    """
    left, right = _numbered(mine, "mine"), _numbered(theirs, "theirs")
    found = []
    everyone, untold = pl.lit(True), pl.col("release").is_null()
    for keys in (("content", *_PROFILE), ("content",)):
        for ours, others, also in (
            (everyone, everyone, ["release"]),
            (untold, everyone, []),
            (everyone, untold, []),
        ):
            pairs = _pair_off(left.filter(ours), right.filter(others), [*keys, *also])
            found.append(pairs)
            left = left.join(pairs, on="mine", how="anti", maintain_order="left")
            right = right.join(pairs, on="theirs", how="anti", maintain_order="left")
    found.append(_pair_by_sentences(left, right))
    return pl.concat(found).sort("mine")


def differences(mine: pl.DataFrame, theirs: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Where paired dialogues differ: mine, theirs (row numbers), field, kept and other (values).

    White space at the ends of a sentence makes no difference, and neither does a value that one
    side does not tell.
    """
    left, right = mine[pairs["mine"]], theirs[pairs["theirs"]]
    compared = {field: (left[field], right[field]) for field in _FIELDS}
    compared["disease"] = _comparable_diseases(*compared["disease"])
    found = [_unequal(pairs, field, *sides) for field, sides in compared.items()]
    otherwise_said = left["content"] != right["content"]
    pairs, left, right = (side.filter(otherwise_said) for side in (pairs, left, right))
    for number, turn in enumerate(TURNS):
        sentence = pl.col("content").str.split(SEPARATOR).list.get(number)
        kept, other = (side.select(sentence).to_series() for side in (left, right))
        found.append(_unequal(pairs, turn, kept, other))
    return pl.concat(found).sort("mine", maintain_order=True)


def _unequal(pairs: pl.DataFrame, field: str, kept: pl.Series, other: pl.Series) -> pl.DataFrame:
    values = pairs.with_columns(field=pl.lit(field), kept=kept, other=other)
    return values.filter(pl.col("kept") != pl.col("other"))


def _comparable_diseases(kept: pl.Series, other: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Both sides in JSON's terms where one of them is JSON, which has one code for two words."""
    vague = (kept == "not_told") | (other == "not_told")
    in_json = {"not_asked": "not_told", "D02": "not_told"}
    return (
        kept.replace(in_json).zip_with(vague.fill_null(False), kept),
        other.replace(in_json).zip_with(vague.fill_null(False), other),
    )


def _numbered(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """What matching looks at, with row numbers; rows in which nothing is said are left out."""
    said = frame.with_row_index(side).select(side, "release", "content", *_PROFILE)
    return said.filter(pl.col("content").str.strip_chars(SEPARATOR) != "")


def _pair_off(left: pl.DataFrame, right: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Rows with equal `keys`, the first with the first, the second with the second, and so on."""
    copy = pl.int_range(pl.len()).over(keys).alias("copy")
    return (
        left.with_columns(copy)
        .join(right.with_columns(copy), on=[*keys, "copy"], how="inner", nulls_equal=True)
        .select(*_PAIRS)
    )


def _pair_by_sentences(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Rows that share at least half of their sentences, those that share most first."""
    shared = (
        _sentences(left, "mine")
        .join(_sentences(right, "theirs"), on=["turn", "sentence"], how="inner")
        .filter((pl.col("release") == pl.col("release_right")).fill_null(True))
        .group_by("mine", "theirs")
        .agg(pl.len().alias("shared"), pl.max_horizontal("turns", "turns_right").first())
        .filter(pl.col("shared") * 2 >= pl.col("turns"))
        .sort("shared", "mine", "theirs", descending=[True, False, False])
    )
    taken: dict[int, int] = {}
    given: set[int] = set()
    for mine, theirs in shared.select(*_PAIRS).iter_rows():
        if mine not in taken and theirs not in given:
            taken[mine] = theirs
            given.add(theirs)
    return pl.DataFrame({"mine": list(taken), "theirs": list(taken.values())}, schema=_PAIRS)


def _sentences(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """One row per sentence that is not small talk: the dialogue's number, turn, sentence, turns."""
    return (
        frame.select(side, "release", sentence=pl.col("content").str.split(SEPARATOR))
        .with_columns(turn=pl.int_ranges(0, pl.col("sentence").list.len()))
        .explode("sentence", "turn")
        .filter(pl.col("sentence") != "")
        .with_columns(turns=pl.len().over(side))
        .filter(pl.len().over("turn", "sentence") <= _MOST_FREQUENT)
    )

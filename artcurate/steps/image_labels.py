"""One label for a picture from the word of its uploader and those of its annotators."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import reduce
from typing import Literal

import polars as pl

from artcurate import emotions
from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.steps.registry import Parameters, step

_SET = "korean7"
#: The uploader and three annotators.
_VOTERS = 4
_MAJORITY = 3
_NEEDED = ("uploader_emotion", "annotator_emotions")


class ImageLabelsParameters(Parameters):
    choice: Literal["unanimous", "majority", "uploader", "soft"] = "unanimous"
    """Which pictures have a label, and which one. Votes are the uploader's and those of annotators
    A, B and C. `unanimous`: all four agree. `majority`: three of the four agree. `uploader`: the
    uploader's word. `soft`: the label with most votes, and all votes as a distribution in
    `soft_label`. An annotator who does not know has no vote, so a picture with one is never
    unanimous and needs three others who agree for a majority; in a distribution only votes that
    were cast count."""


@dataclass(frozen=True, slots=True)
class ImageLabelsFindings:
    """What the votes say and what became of them.

    agreement: pictures by the most votes that one label has, 0 to 4.
    unknown_votes: annotators' votes that were not cast.
    uploader_overruled: labelled pictures whose label is not the uploader's.
    labels: labelled pictures by label. set_aside: reason -> pictures.
    """

    choice: str
    images_in: int
    images_out: int
    agreement: dict[str, int]
    unknown_votes: int
    uploader_overruled: int
    labels: dict[str, int]
    set_aside: dict[str, int]


@step(ImageLabelsParameters)
def image_labels(corpus: Corpus, *, parameters: ImageLabelsParameters) -> Corpus:
    """Choose every picture's label from four votes; leave out those without one.

    Adds `emotion`, and with `soft` also `soft_label` (list of float32, in the order of the labels'
    ids, sum 1). Pictures left out by design: not_unanimous, no_majority, tied_votes, no_votes. The
    findings are an `ImageLabelsFindings`.

    Raises DataError when the images have no votes, or vote for a label that korean7 lacks.
    """
    _check(corpus.images)
    labels = emotions.bundled().label_set(_SET).names
    counted = _count_votes(corpus.images, labels)
    chosen, reason, detail = _verdict(parameters.choice, labels)
    judged = counted.with_columns(emotion=chosen, reason=reason, detail=detail)
    left_out = judged.filter(pl.col("reason").is_not_null()).select("id", "reason", "detail")
    images = corpus.images.with_columns(judged["emotion"])
    if parameters.choice == "soft":
        images = images.with_columns(judged["soft_label"])
    result = replace(corpus, images=images).set_aside(
        "images", left_out, step="image_labels", by_design=True
    )
    labelled = judged.filter(pl.col("reason").is_null())
    findings = ImageLabelsFindings(
        choice=parameters.choice,
        images_in=corpus.images.height,
        images_out=result.images.height,
        agreement=_counts(judged["most"].cast(pl.String)),
        unknown_votes=int((_VOTERS - judged["cast"]).sum()),
        uploader_overruled=labelled.filter(
            pl.col("emotion") != pl.col("uploader_emotion").fill_null("")
        ).height,
        labels={name: labelled.filter(emotion=name).height for name in labels},
        set_aside=_counts(left_out["reason"]),
    )
    return result.with_findings("image_labels", asdict(findings))


def _check(images: pl.DataFrame) -> None:
    missing = [name for name in _NEEDED if name not in images.columns]
    if missing:
        raise DataError(
            f"The images have no {' and no '.join(missing)}; image_labels needs the votes of CID's "
            "label files."
        )
    known = emotions.bundled().label_set(_SET).names
    votes = pl.concat([images["uploader_emotion"], images["annotator_emotions"].explode()])
    strange = votes.drop_nulls().unique().sort()
    strange = strange.filter(~strange.is_in(list(known)))
    if strange.len():
        raise DataError(
            f"The images have votes for {', '.join(strange.head(5))}; known are {', '.join(known)}."
        )


def _count_votes(images: pl.DataFrame, labels: tuple[str, ...]) -> pl.DataFrame:
    """id, uploader_emotion, cast (how many votes), most (of one label), leader (the first label
    with most votes), leaders (how many labels have as many) and soft_label."""
    votes = [
        pl.col("uploader_emotion"),
        *(
            pl.col("annotator_emotions").list.get(place, null_on_oob=True)
            for place in range(_VOTERS - 1)
        ),
    ]
    tally = images.select(
        "id",
        "uploader_emotion",
        **{
            f"votes_{label}": reduce(
                lambda total, vote: total + vote,
                [(vote == label).fill_null(False).cast(pl.Int32) for vote in votes],
            )
            for label in labels
        },
    )
    counts = [pl.col(f"votes_{label}") for label in labels]
    tally = tally.with_columns(cast=pl.sum_horizontal(counts), most=pl.max_horizontal(counts))
    share = [(count / pl.col("cast")).cast(pl.Float32) for count in counts]
    return tally.select(
        "id",
        "uploader_emotion",
        "cast",
        "most",
        leader=pl.coalesce(
            pl.when(count == pl.col("most")).then(pl.lit(label))
            for count, label in zip(counts, labels, strict=True)
        ),
        leaders=pl.sum_horizontal((count == pl.col("most")).cast(pl.Int32) for count in counts),
        soft_label=pl.concat_list(share),
    )


def _verdict(choice: str, labels: tuple[str, ...]) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """(label, reason, detail); reason and detail are null for pictures that have a label."""
    most, cast, leader = pl.col("most"), pl.col("cast"), pl.col("leader")
    none = pl.lit(None, pl.String)
    if choice == "uploader":
        given = pl.col("uploader_emotion")
        without = given.is_null()
        return (
            given,
            pl.when(without).then(pl.lit("no_votes")),
            pl.when(without).then(pl.lit("The uploader named no emotion.")),
        )
    if choice == "unanimous":
        fits, reason = most == _VOTERS, pl.lit("not_unanimous")
    elif choice == "majority":
        fits, reason = most >= _MAJORITY, pl.lit("no_majority")
    else:
        fits = (cast > 0) & (pl.col("leaders") == 1)
        reason = pl.when(cast > 0).then(pl.lit("tied_votes")).otherwise(pl.lit("no_votes"))
    detail = pl.format(
        "Of {} votes that were cast at most {} are for one emotion, for {} emotions each.",
        cast,
        most,
        pl.when(cast > 0).then(pl.col("leaders")).otherwise(len(labels)),
    )
    return (
        pl.when(fits).then(leader),
        pl.when(fits).then(none).otherwise(reason),
        pl.when(fits).then(none).otherwise(detail),
    )


def _counts(values: pl.Series) -> dict[str, int]:
    return dict(values.alias("value").value_counts(name="rows").sort("value").iter_rows())

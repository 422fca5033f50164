"""Votes per picture and language, soft and majority labels, and how far annotators agree."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, field_validator

from artcurate import emotions
from artcurate.agreement.divergence import jensen_shannon
from artcurate.agreement.report import DIGITS, Alpha, Between, Plan, Votes, alphas, between_groups
from artcurate.agreement.votes import TIE_RULE, Majority, count_votes, majority, soft_labels
from artcurate.corpus import Corpus
from artcurate.emotions import LabelSet
from artcurate.errors import DataError, UsageError
from artcurate.steps.registry import Parameters, step

#: More declared languages than any corpus has: their column holds something else.
MAX_LANGUAGES = 100


class AgreementParameters(Parameters):
    target: str = "artemis9"
    """The label set that `labels` brought the emotions to."""
    smoothing: float = Field(default=0.0, ge=0, le=1_000, allow_inf_nan=False)
    """Votes added to every label before the soft labels are normalised."""
    min_votes: int = Field(default=3, ge=1)
    """Votes that a language needs on a picture to be compared with another there."""
    draws: int = Field(default=1_000, ge=0, le=100_000)
    """Bootstrap samples for the confidence intervals; 0 gives none."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Coverage of the confidence intervals."""
    seed: int = Field(default=0, ge=0)
    """Seed of the bootstrap."""

    @field_validator("target")
    @classmethod
    def _set_exists(cls, target: str) -> str:
        try:
            emotions.bundled().label_set(target)
        except UsageError as error:
            raise ValueError(str(error)) from None
        return target


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """What the step found.

    pictures: pictures with votes; `pictures_without_votes` are the others.
    tie_share: share of pictures whose majority label needed the tie rule.
    mean_share: mean share of a picture's votes that its majority label has.
    mean_disagreement: mean Jensen-Shannon divergence between the languages, in bits, over the
        `pictures_compared` pictures where two of them have at least `min_votes` votes.
    overall, by_language, by_style, by_style_and_language: Krippendorff's alpha.
    between: every pair of languages.
    interval: how the intervals were made; `raters` says what alpha can mean here.
    """

    target: str
    pictures: int
    pictures_without_votes: int
    votes: int
    votes_by_language: dict[str, int]
    tie_rule: str
    tie_share: float | None
    mean_share: float | None
    mean_disagreement: float | None
    pictures_compared: int
    min_votes: int
    overall: Alpha
    by_language: tuple[Alpha, ...]
    by_style: tuple[Alpha, ...]
    by_style_and_language: tuple[Alpha, ...]
    between: tuple[Between, ...]
    interval: str
    raters: str


@step(AgreementParameters)
def agreement(corpus: Corpus, *, parameters: AgreementParameters) -> Corpus:
    """Keep every picture's votes and measure how far annotators and languages agree.

    Adds to the images: votes (list of struct{language: str, counts: list<i32> in id order},
    languages sorted), vote_count (i32), emotion (str, the majority label), emotion_share (f32),
    soft_label (list<f32> in id order), tie (bool) and disagreement (f32, bits; null where fewer
    than two languages have `min_votes` votes). Without votes a picture has an empty list, 0 and
    null. The findings are an `AgreementReport`.

    The corpora name no annotators. Alpha therefore treats the votes on a picture as exchangeable;
    intervals cover the choice of pictures (near-duplicates drawn together where the images have a
    duplicate_group), not the choice of annotators.

    Raises DataError when captions lack a known emotion or a picture, or there are more than 100
    languages.
    """
    target = emotions.bundled().label_set(parameters.target)
    pictures = _pictures(corpus.images)
    votes = _votes(corpus.annotations, pictures, target)
    pooled = votes.counts.sum(axis=1)
    leader = majority(pooled, votes.polarity)
    divergence = jensen_shannon(votes.counts, parameters.min_votes)
    table = pictures.select("image_id").with_columns(
        _votes_column(votes),
        pl.Series("vote_count", pooled.sum(axis=1), pl.Int32),
        *_label_columns(pooled, leader, target, parameters.smoothing),
        pl.Series("disagreement", divergence, pl.Float64).fill_nan(None).cast(pl.Float32),
    )
    images = corpus.images.drop(*table.columns[1:], strict=False).join(
        table, left_on="id", right_on="image_id", how="left", maintain_order="left"
    )
    report = _report(votes, leader, divergence, parameters)
    return replace(corpus, images=images).with_findings("agreement", asdict(report))


def _pictures(images: pl.DataFrame) -> pl.DataFrame:
    """image_id, style and cluster (i64 from 0) of every image, sorted by id.

    Sorted, so that nothing found here depends on the order of the images.
    """
    group = (
        pl.col("duplicate_group").cast(pl.String)
        if "duplicate_group" in images.columns
        else pl.lit(None, pl.String)
    )
    alone = pl.concat_str(pl.lit("image "), "id")
    return images.sort("id").select(
        image_id="id",
        style="style",
        cluster=pl.coalesce(pl.concat_str(pl.lit("group "), group), alone)
        .rank("dense")
        .cast(pl.Int64)
        - 1,
    )


def _votes(annotations: pl.DataFrame, pictures: pl.DataFrame, target: LabelSet) -> Votes:
    ballots = _ballots(annotations, pictures, target)
    languages = tuple(ballots["language"].unique().sort())
    if len(languages) > MAX_LANGUAGES:
        raise DataError(
            f"{len(languages):,} languages stand in the captions; run the step language before "
            "agreement."
        )
    strata = tuple(pictures["style"].fill_null("").unique().sort())
    polarities = sorted({label.polarity for label in target.labels})
    return Votes(
        counts=count_votes(
            ballots["picture"].to_numpy(),
            ballots["language"]
            .replace_strict(_numbers(languages), return_dtype=pl.Int64)
            .to_numpy(),
            ballots["label"].to_numpy(),
            (pictures.height, len(languages), len(target.labels)),
        ),
        groups=languages,
        polarity=np.array([polarities.index(label.polarity) for label in target.labels]),
        stratum=pictures["style"]
        .fill_null("")
        .replace_strict(_numbers(strata), return_dtype=pl.Int64)
        .to_numpy(),
        strata=strata,
        clusters=pictures["cluster"].to_numpy(),
    )


def _numbers(names: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _ballots(annotations: pl.DataFrame, pictures: pl.DataFrame, target: LabelSet) -> pl.DataFrame:
    """One row per caption: picture and label (i64 numbers), language (str)."""
    if "image_id" not in annotations.columns:
        raise DataError("The captions have no image_id; run the step join before agreement.")
    ballots = annotations.select(
        pl.col("image_id")
        .replace_strict(
            pictures["image_id"],
            pl.Series(range(pictures.height), dtype=pl.Int64),
            default=None,
            return_dtype=pl.Int64,
        )
        .alias("picture"),
        pl.col("emotion")
        .replace_strict(_numbers(target.names), default=None, return_dtype=pl.Int64)
        .alias("label"),
        pl.col("language").fill_null(""),
    )
    problems = []
    if strays := ballots["picture"].null_count():
        problems.append(
            f"{strays:,} captions belong to no picture of the images; run the step join before "
            "agreement."
        )
    if unknown := ballots["label"].null_count():
        problems.append(
            f"{unknown:,} captions have an emotion outside {target.name}; run the step labels with "
            f"target {target.name} before agreement."
        )
    if problems:
        raise DataError(problems)
    return ballots


def _votes_column(votes: Votes) -> pl.Series:
    """Per picture its languages with votes, in order, each with its counts."""
    picture, language = np.nonzero(votes.counts.sum(axis=2))
    counts = votes.counts[picture, language].astype(np.int32)
    label_count = votes.counts.shape[2]
    per_language = pa.ListArray.from_arrays(
        np.arange(len(counts) + 1, dtype=np.int32) * label_count, counts.ravel()
    )
    names = pa.array(votes.groups, pa.string()).take(pa.array(language))
    cast = pa.StructArray.from_arrays([names, per_language], ["language", "counts"])
    ends = np.cumsum(np.bincount(picture, minlength=len(votes.counts)))
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return pl.Series("votes", pl.from_arrow(pa.ListArray.from_arrays(offsets, cast)))


def _label_columns(
    pooled: NDArray[np.int64], leader: Majority, target: LabelSet, smoothing: float
) -> list[pl.Series]:
    voted = leader.label >= 0
    names = pl.Series(target.names, dtype=pl.String)
    shares = leader.votes / np.maximum(pooled.sum(axis=1), 1)
    soft = pl.Series("soft_label", soft_labels(pooled, smoothing).astype(np.float32))
    present = pl.Series("present", voted)
    return [
        pl.Series("emotion", names.gather(np.maximum(leader.label, 0))).set(~present, None),
        pl.Series("emotion_share", shares, pl.Float32).set(~present, None),
        soft.arr.to_list().set(~present, None),
        pl.Series("tie", leader.tie),
    ]


def _report(
    votes: Votes,
    leader: Majority,
    divergence: NDArray[np.float64],
    parameters: AgreementParameters,
) -> AgreementReport:
    plan = Plan(parameters.min_votes, parameters.draws, parameters.confidence, parameters.seed)
    totals = votes.counts.sum(axis=(1, 2))
    voted = totals > 0
    compared = ~np.isnan(divergence)
    overall, *rest = alphas(votes, plan)
    return AgreementReport(
        target=parameters.target,
        pictures=int(voted.sum()),
        pictures_without_votes=int((~voted).sum()),
        votes=int(totals.sum()),
        votes_by_language={
            name: int(number)
            for name, number in zip(votes.groups, votes.counts.sum(axis=(0, 2)), strict=True)
        },
        tie_rule=TIE_RULE,
        tie_share=_mean(leader.tie[voted]),
        mean_share=_mean(leader.votes[voted] / totals[voted]),
        mean_disagreement=_mean(divergence[compared]),
        pictures_compared=int(compared.sum()),
        min_votes=parameters.min_votes,
        overall=overall,
        by_language=tuple(a for a in rest if a.stratum is None),
        by_style=tuple(a for a in rest if a.group is None),
        by_style_and_language=tuple(
            a for a in rest if a.group is not None and a.stratum is not None
        ),
        between=between_groups(votes, plan),
        interval=(
            f"{100 * parameters.confidence:.4g} % percentile interval of {parameters.draws:,} "
            "bootstrap samples of pictures, near-duplicates drawn together"
            if parameters.draws
            else "none"
        ),
        raters=(
            "The corpus names no annotators: alpha treats the votes on a picture as exchangeable, "
            "and its interval covers the choice of pictures, not of annotators."
        ),
    )


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float | None:
    return round(float(values.mean()), DIGITS) if values.size else None

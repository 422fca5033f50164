"""Captions find their paintings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypedDict, cast

import polars as pl
from pydantic import Field

from artcurate.corpus import Corpus
from artcurate.errors import DataError
from artcurate.keys import folded_key, name_paintings, nfc_key
from artcurate.nearest_keys import nearest_keys
from artcurate.steps.registry import Parameters, step

_METHODS = ("exact", "nfc", "folded")


class JoinParameters(Parameters):
    """How captions and images come together."""

    images: Literal["required", "none"] = "required"
    """`required`: a caption without its image is left out. `none`: build without pixels; the
    images table is made from the paintings that the captions name."""
    keep_uncaptioned: bool = False
    """Keep images that no caption names."""
    suggestions: int = Field(default=1000, ge=0)
    """For so many unmatched paintings at most the nearest image is looked for."""


class StyleCoverage(TypedDict):
    """How much of one style joined. Paintings are distinct keys that the captions name."""

    style: str
    captions: int
    captions_joined: int
    paintings: int
    paintings_joined: int
    images: int
    images_captioned: int


class JoinFindings(TypedDict):
    """What the join learned; JSON-able.

    methods: captions that joined by each key: exact (spelled alike), nfc (another Unicode form),
        folded (unusual characters dropped).
    unmatched_paintings: distinct keys without an image, with `captions_unmatched` captions.
    ambiguous_paintings: those of them whose folded key several images share.
    suggestions: the nearest image for each unmatched painting that has one, looked for as far as
        the parameter `suggestions` allows.
    """

    coverage: list[StyleCoverage]
    methods: dict[str, int]
    captions_unmatched: int
    unmatched_paintings: int
    ambiguous_paintings: int
    images_uncaptioned: int
    suggestions: dict[str, str]


@step(JoinParameters)
def join(corpus: Corpus, *, parameters: JoinParameters) -> Corpus:
    """Give every caption the id of its painting's image.

    Keys are compared in NFC, then folded where only one image has that folded key. Captions
    without an image go to the quarantine (no_image) with the nearest image named, images without a
    caption too (no_captions). Adds `image_id` to the annotations.

    Raises:
        DataError: there are no images, or none of the captions' paintings is among them.
    """
    if parameters.images == "none":
        corpus = _without_pixels(corpus)
    keys = _match(corpus.annotations, corpus.images)
    _refuse_hopeless(corpus, keys)
    unmatched = keys.filter(pl.col("image_id").is_null())
    suggestions = nearest_keys(
        unmatched["key"].unique().sort().head(parameters.suggestions).to_list(),
        corpus.images["id"].to_list(),
    )
    captioned = keys["image_id"].drop_nulls().unique()
    uncaptioned = corpus.images.filter(~pl.col("id").is_in(captioned.implode()))
    findings = _findings(corpus.images, keys, suggestions)
    joined = replace(
        corpus,
        annotations=corpus.annotations.join(
            keys.select("image_key", "image_id"),
            on="image_key",
            how="left",
            maintain_order="left",
        ),
    )
    joined = joined.set_aside(
        "annotations",
        _unmatched_rows(corpus, unmatched, suggestions),
        step="join",
    )
    if not parameters.keep_uncaptioned:
        joined = joined.set_aside(
            "images",
            uncaptioned.select(
                "id",
                reason=pl.lit("no_captions"),
                detail=pl.lit("no caption names this painting"),
            ),
            step="join",
            by_design=True,
        )
    return joined.with_findings("join", findings)


def _without_pixels(corpus: Corpus) -> Corpus:
    """The corpus with an images table that points to no picture.

    It comes from the captions' keys, unless a reader already listed the images.
    """
    no_place = {name: pl.lit(None, pl.String) for name in ("root", "location", "member")}
    if corpus.images.height:
        return replace(corpus, images=corpus.images.with_columns(**no_place))
    named = name_paintings(corpus.annotations.select("style", "painting", "source"))
    columns = ("id", "style", "painting", "artist", "title")
    images = named.select(*columns, **no_place, source="source", bytes=pl.lit(None, pl.Int64))
    return replace(corpus, images=images)


def _match(annotations: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    """One row per distinct image_key, sorted.

    Columns: image_key, captions (how many), style and key (both NFC), image_id and method (null
    where no image matches), alike (how many images share the folded key).
    """
    by_fold = (
        images.select(image_id="id", folded=folded_key(pl.col("id")))
        .group_by("folded")
        .agg(folded_id=pl.col("image_id").first(), alike=pl.len())
    )
    keys = (
        annotations.group_by("image_key")
        .agg(captions=pl.len().cast(pl.Int64), style=nfc_key(pl.col("style").first()))
        .sort("image_key")
        .with_columns(key=nfc_key(pl.col("image_key")), folded=folded_key(pl.col("image_key")))
        .join(images.select(key="id", same="id"), on="key", how="left", maintain_order="left")
        .join(by_fold, on="folded", how="left", maintain_order="left")
    )
    only_one = pl.when(pl.col("alike") == 1).then("folded_id")
    method = (
        pl.when(pl.col("same") == pl.col("image_key"))
        .then(pl.lit("exact"))
        .when(pl.col("same").is_not_null())
        .then(pl.lit("nfc"))
        .when(pl.col("alike") == 1)
        .then(pl.lit("folded"))
    )
    return keys.select(
        "image_key",
        "captions",
        "style",
        "key",
        image_id=pl.coalesce("same", only_one),
        method=method,
        alike=pl.col("alike").fill_null(0),
    )


def _refuse_hopeless(corpus: Corpus, keys: pl.DataFrame) -> None:
    if not keys.height:
        return
    if not corpus.images.height:
        raise DataError(
            "there are no images to join the captions with; give the folder of images (--images), "
            "or build without pixels (--annotations-only)."
        )
    if keys["image_id"].null_count() == keys.height:
        raise DataError(
            f"none of the {keys['key'].n_unique():,} paintings that the captions name (the first "
            f"is {keys['key'][0]!r}) is among the {corpus.images.height:,} images (the first is "
            f"{corpus.images['id'].min()!r}); give the folder that holds the style folders."
        )


def _unmatched_rows(
    corpus: Corpus, unmatched: pl.DataFrame, suggestions: Mapping[str, str]
) -> pl.DataFrame:
    """id, reason and detail of the captions whose painting has no image."""
    nearest = pl.DataFrame(
        {"key": list(suggestions), "nearest": list(suggestions.values())},
        schema={"key": pl.String, "nearest": pl.String},
    )
    gone = (
        corpus.quarantine.filter(pl.col("table") == "images")
        .unique("id", keep="first", maintain_order=True)
        .select(key="id", why=pl.format("its image was left out by {} ({})", "step", "reason"))
    )
    details = (
        unmatched.join(nearest, on="key", how="left")
        .join(gone, on="key", how="left")
        .select(
            "image_key",
            detail=pl.format(
                "no image is named {}{}",
                "key",
                pl.coalesce(
                    pl.lit("; ") + pl.col("why"),
                    pl.when(pl.col("alike") > 1).then(
                        pl.format("; {} images have the same plain letters", "alike")
                    ),
                    pl.format("; the nearest is {}", "nearest"),
                    pl.lit(""),
                ),
            ),
        )
    )
    return (
        corpus.annotations.select("id", "image_key")
        .join(details, on="image_key", how="inner", maintain_order="left")
        .select("id", "detail", reason=pl.lit("no_image"))
    )


def _findings(
    images: pl.DataFrame, keys: pl.DataFrame, suggestions: Mapping[str, str]
) -> JoinFindings:
    matched = pl.col("image_id").is_not_null()
    unmatched = keys.filter(~matched)
    methods = dict(
        keys.filter(matched).group_by("method").agg(pl.col("captions").sum()).iter_rows()
    )
    captioned = keys["image_id"].drop_nulls().unique()
    return JoinFindings(
        coverage=_coverage(images, keys),
        methods={method: methods.get(method, 0) for method in _METHODS},
        captions_unmatched=int(unmatched["captions"].sum()),
        unmatched_paintings=unmatched["key"].n_unique(),
        ambiguous_paintings=unmatched.filter(pl.col("alike") > 1)["key"].n_unique(),
        images_uncaptioned=images.height - captioned.len(),
        suggestions=dict(suggestions),
    )


def _coverage(images: pl.DataFrame, keys: pl.DataFrame) -> list[StyleCoverage]:
    matched = pl.col("image_id").is_not_null()
    captions = keys.group_by("style").agg(
        captions=pl.col("captions").sum(),
        captions_joined=pl.col("captions").filter(matched).sum(),
        paintings=pl.col("key").n_unique(),
        paintings_joined=pl.col("key").filter(matched).n_unique(),
    )
    captioned = pl.col("id").is_in(keys["image_id"].drop_nulls().implode())
    pictures = images.group_by("style").agg(images=pl.len(), images_captioned=captioned.sum())
    table = (
        captions.join(pictures, on="style", how="full", coalesce=True)
        .select(
            "style",
            *(
                pl.col(name).cast(pl.Int64).fill_null(0)
                for name in StyleCoverage.__annotations__
                if name != "style"
            ),
        )
        .sort("style")
    )
    return cast(list[StyleCoverage], table.to_dicts())


def coverage_lines(findings: Mapping[str, Any]) -> list[str]:
    """`JoinFindings` as the lines a user reads: coverage per style, then what did not join."""
    found = cast(JoinFindings, findings)
    width = max((len(row["style"]) for row in found["coverage"]), default=5)
    width = max(width, len("all styles"))
    lines = [f"{'style':<{width}} {'captions':>21} {'paintings':>17} {'images':>8}"]
    lines += [_coverage_line(row, width) for row in [*found["coverage"], _total(found["coverage"])]]
    methods = ", ".join(f"{count:,} {name}" for name, count in found["methods"].items())
    lines.append(f"captions joined by key: {methods}")
    if found["captions_unmatched"]:
        lines.append(
            f"{found['captions_unmatched']:,} captions of {found['unmatched_paintings']:,} "
            f"paintings have no image; nearest names are suggested for "
            f"{len(found['suggestions']):,} in the quarantine"
        )
    if found["images_uncaptioned"]:
        lines.append(f"{found['images_uncaptioned']:,} images have no caption")
    return lines


def _coverage_line(row: StyleCoverage, width: int) -> str:
    captions = f"{row['captions_joined']:,}/{row['captions']:,}"
    paintings = f"{row['paintings_joined']:,}/{row['paintings']:,}"
    return f"{row['style']:<{width}} {captions:>21} {paintings:>17} {row['images']:>8,}"


def _total(rows: list[StyleCoverage]) -> StyleCoverage:
    return StyleCoverage(
        style="all styles",
        captions=sum(row["captions"] for row in rows),
        captions_joined=sum(row["captions_joined"] for row in rows),
        paintings=sum(row["paintings"] for row in rows),
        paintings_joined=sum(row["paintings_joined"] for row in rows),
        images=sum(row["images"] for row in rows),
        images_captioned=sum(row["images_captioned"] for row in rows),
    )

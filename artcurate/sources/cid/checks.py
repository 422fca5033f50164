"""What CID's label records mean, and what is wrong with them."""

from __future__ import annotations

import polars as pl

from artcurate import emotions
from artcurate.sources.cid.labels import ANNOTATORS, EDGES

#: Ages outside are slips or tests: nobody else consents to such pictures. Decades count from 10.
YOUNGEST, OLDEST = 10, 100
#: What annotators say who could not tell.
UNKNOWN = "알수없음"

_GENDERS = {"남": "male", "여": "female", "남성": "male", "여성": "female"}
_PROFESSIONS = {"전문인": True, "일반인": False}
_ANNOTATED = [f"emotion_{annotator}" for annotator in ANNOTATORS]
#: What two records of one picture must agree in to be copies.
_COMPARED = (
    "gender",
    "age",
    "profession",
    "emotion",
    "uploader_background",
    *_ANNOTATED,
    *(f"background_{annotator}" for annotator in ANNOTATORS),
    *(f"{edge}_{annotator}" for annotator in ANNOTATORS for edge in EDGES),
)


def drop_copies(labels: pl.DataFrame) -> pl.DataFrame:
    """`labels` (`cid_files.find_labels`) without records that repeat one of the same picture.

    Of records that disagree all stay, with the column conflict true.
    """
    several = labels.filter(pl.col("id").is_not_null() & pl.col("id").is_duplicated())
    if several.is_empty():
        return labels.with_columns(conflict=pl.lit(False))
    variants = several.unique(["id", *_COMPARED], keep="first", maintain_order=True)
    disagreeing = variants.filter(pl.col("id").is_duplicated())["id"].unique()
    conflict = pl.col("id").is_in(disagreeing.implode()).fill_null(False)
    repeats = pl.col("id").is_not_null() & ~pl.col("id").is_first_distinct()
    releases = several.drop_nulls("release").unique("id", keep="first", maintain_order=True)
    return (
        labels.with_columns(conflict=conflict)
        .filter(pl.col("conflict") | ~repeats)
        .join(releases.select("id", told="release"), on="id", how="left", maintain_order="left")
        .with_columns(release=pl.coalesce("release", "told"))
        .drop("told")
    )


def judge(labels: pl.DataFrame) -> pl.DataFrame:
    """`labels` (`drop_copies`) decoded, with the first fault of each record, if any.

    uploader_emotion and label_A to label_C are labels of korean7, the latter null where the
    annotator could not tell; gender is male or female, professional a boolean; named_otherwise
    says whether the file name holds another emotion than the record; reason is null where nothing
    is wrong, and detail a sentence where something is.
    """
    columns = ("emotion", "name_emotion", *_ANNOTATED)
    words = pl.concat([labels[name].unique().alias("word") for name in columns])
    names = _emotion_names(words.drop_nulls().unique().to_list())
    decoded = labels.with_columns(
        uploader_emotion=_mapped("emotion", names),
        gender_word="gender",
        gender=_mapped("gender", _GENDERS),
        name_gender=_mapped("name_gender", _GENDERS),
        professional=pl.col("profession")
        .str.strip_chars()
        .replace_strict(_PROFESSIONS, default=None, return_dtype=pl.Boolean),
        named_otherwise=_mapped("name_emotion", names) != _mapped("emotion", names),
        **{
            f"label_{annotator}": _mapped(f"emotion_{annotator}", names) for annotator in ANNOTATORS
        },
    )
    persons = _inconsistent_persons(decoded)
    reason = pl.lit(None, pl.String)
    for name, found in reversed(_faults(persons).items()):
        reason = pl.when(found).then(pl.lit(name)).otherwise(reason)
    judged = decoded.with_columns(reason=reason)
    return judged.with_columns(detail=_details(judged, persons)).drop(
        "emotion",
        "gender_word",
        "profession",
        "name_gender",
        "name_age",
        "name_emotion",
        *_ANNOTATED,
    )


def _emotion_names(words: list[str]) -> dict[str, str]:
    """Word -> label of korean7, for the words that name one."""
    known = emotions.bundled().label_set("korean7")
    meanings = {word: known.called(word) for word in words}
    return {word: labels[0].name for word, labels in meanings.items() if len(labels) == 1}


def _mapped(column: str, names: dict[str, str]) -> pl.Expr:
    return pl.col(column).replace_strict(names, default=None, return_dtype=pl.String)


def _inconsistent_persons(labels: pl.DataFrame) -> pl.DataFrame:
    """person and person_fault (a sentence) of those whose records contradict each other.

    Ages are years or decades, in the record and in the name, and a person has one decade. Ages
    that are implausible say nothing of the person.
    """
    age, stated = pl.col("age"), pl.col("name_age")
    decade, stated_decade = age // 10 * 10, stated // 10 * 10
    same_age = (age == stated) | (decade == stated) | (age == stated_decade)
    plausible = _plausible()
    persons = (
        labels.lazy()
        .drop_nulls("person")
        .group_by("person")
        .agg(
            genders=pl.concat_list("gender", "name_gender").explode().drop_nulls().n_unique(),
            contradictions=(plausible & ~same_age).sum(),
            decades=decade.filter(plausible).n_unique(),
            youngest=age.filter(plausible).min(),
            oldest=age.filter(plausible).max(),
        )
        .collect()
    )
    # The whole name: only such a one is recognised by whoever puts pseudonyms in its place.
    fault = (
        pl.when(pl.col("genders") > 1)
        .then(pl.format("Person {} has two genders.", "person"))
        .when(pl.col("contradictions") > 0)
        .then(pl.format("Person {} has other ages in records than in file names.", "person"))
        .when(pl.col("decades") > 1)
        .then(pl.format("Person {} has ages from {} to {}.", "person", "youngest", "oldest"))
    )
    return persons.select("person", person_fault=fault).drop_nulls("person_fault")


def _plausible() -> pl.Expr:
    return pl.col("age").is_between(YOUNGEST, OLDEST).fill_null(False)


def _strange_word(annotator: str) -> pl.Expr:
    """Whether the annotator says something that is neither an emotion of CID nor `UNKNOWN`."""
    word = pl.col(f"emotion_{annotator}").fill_null("").str.strip_chars()
    return pl.col(f"label_{annotator}").is_null() & ~word.is_in(["", UNKNOWN])


def _faults(persons: pl.DataFrame) -> dict[str, pl.Expr]:
    """Reason -> whether a record has that fault, the gravest first."""
    strange = pl.any_horizontal(_strange_word(annotator) for annotator in ANNOTATORS)
    return {
        "malformed_record": ~pl.col("named"),
        "bad_name": pl.col("id").is_null(),
        "conflicting_copies": pl.col("conflict"),
        "unknown_emotion": pl.col("uploader_emotion").is_null() | strange,
        "unknown_gender": pl.col("gender").is_null(),
        "implausible_age": ~_plausible(),
        "inconsistent_person": pl.col("person").is_in(persons["person"].implode()),
    }


def _details(judged: pl.DataFrame, persons: pl.DataFrame) -> pl.Series:
    """A sentence for each faulty record, null for the others."""
    faulty = judged.with_row_index("number").filter(pl.col("reason").is_not_null())
    emotion = pl.coalesce(
        pl.when(pl.col("uploader_emotion").is_null()).then(_sentence("The uploader", "emotion")),
        *(
            pl.when(_strange_word(annotator)).then(
                _sentence(f"Annotator {annotator}", f"emotion_{annotator}")
            )
            for annotator in ANNOTATORS
        ),
    )
    age = pl.col("age").cast(pl.String).fill_null("no number")
    sentences = {
        "malformed_record": pl.lit("The record names no file."),
        "bad_name": pl.format("{} is no file name of CID.", pl.col("name").str.slice(0, 200)),
        "conflicting_copies": pl.lit("Records of this picture disagree."),
        "unknown_emotion": emotion,
        "unknown_gender": pl.format("The gender is {}, neither 남 nor 여.", _quoted("gender_word")),
        "implausible_age": pl.format(f"The age is {{}}, not within {YOUNGEST} to {OLDEST}.", age),
        "inconsistent_person": pl.col("person_fault"),
    }
    detail = pl.coalesce(
        pl.when(pl.col("reason") == name).then(sentence) for name, sentence in sentences.items()
    )
    told = faulty.join(persons, on="person", how="left", maintain_order="left").select(
        "number", detail=detail
    )
    everyone = pl.Series("detail", [None], pl.String).new_from_index(0, judged.height)
    return everyone.scatter(told["number"], told["detail"])


def _sentence(speaker: str, column: str) -> pl.Expr:
    return pl.format(f"{speaker} says {{}}, no emotion of CID.", _quoted(column))


def _quoted(column: str) -> pl.Expr:
    return pl.format("'{}'", pl.col(column).fill_null("").str.slice(0, 60))

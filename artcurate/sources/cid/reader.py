"""CID (한국인 감정인식을 위한 복합 영상): pictures of Koreans who show one of seven emotions.

About 500,000 phone pictures of some 1,100 persons, each taken for one emotion at one of ten kinds
of places, and looked at by three annotators, who say which emotion and place they see and draw a
box around the face. AI Hub data set 82, after applying for it:

    https://www.aihub.or.kr/aihubdata/data/view.do?dataSetSn=82

836 GB in 49 zip archives, of which most people hold a part; the labels lie apart:

    1.Training/원천데이터/상처/EMOIMG_상처_TRAIN_04.zip                            pictures
    Training/[라벨]EMOIMG_기쁨_TRAIN/img_emotion_training_data(기쁨).json          labels

Member names of the archives are CP949 or UTF-8, those on disk NFC or NFD, and the slashes of a
background are `&` or, after some tools, `_`. A person is the 64 hexadecimal digits that begin a
file name; ten persons can hold most of a class, with dozens of frames of one moment. The boxes
refer to the picture as its EXIF orientation turns it.

Used under AI Hub's terms: for training AI models, without redistribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import polars as pl

from artcurate.archives.names import nfc
from artcurate.corpus import QUARANTINE_SCHEMA, Corpus, InputFile
from artcurate.net.paths import AnyPath
from artcurate.sources.cid.checks import drop_copies, judge
from artcurate.sources.cid.coverage import find_out
from artcurate.sources.cid.files import LabelFile, find_labels
from artcurate.sources.cid.labels import ANNOTATORS, EDGES
from artcurate.sources.cid.pictures import find_pictures, name_roots

_COLUMNS = (
    "id",
    "person",
    "gender",
    "age",
    "professional",
    "uploader_emotion",
    "uploader_background",
    "annotator_emotions",
    "annotator_backgrounds",
    "boxes",
    "background",
    "place",
    "frame",
    "taken",
    "release",
    "root",
    "location",
    "member",
    "source",
    "row",
    "bytes",
)


def read_cid(paths: Sequence[AnyPath], *, input_name: str = "cid") -> Corpus:
    """The labels in `paths`, files or folders, and the pictures in their folders and archives.

    `images` has one row per label record whose picture is there: id (the file name in NFC without
    suffix, the background's slashes written `&`), person, gender (male, female), age (i64),
    professional (bool, null where not told), uploader_emotion (a label of korean7),
    uploader_background, annotator_emotions and annotator_backgrounds (of A, B, C; null where an
    annotator could not tell), boxes (three structs left, top, right, bottom, f32, in pixels of the
    picture as EXIF turns it, as labelled, neither clipped nor ordered; null where a number is
    missing), background (of the name, with slashes), place and frame (three digits each), taken
    (14 digits), release (training, validation, null where unknown), root, location, member (the
    name in the zip archive at `location`), source, row and bytes. Rows are in the order of id.

    Labels without picture (no_image) and pictures without label (no_label) are set aside by
    design: few hold the whole corpus. Everything else in the quarantine is a fault of the data.
    `findings[input_name]` is `cid_coverage.Findings` as a dictionary.

    Raises:
        DataError: there are no labels, or a file or archive is damaged; all such problems of all
            files at once.
    """
    found, records = find_labels(paths)
    read = records.height
    labels = judge(drop_copies(records))
    del records
    roots = name_roots(found.tree, input_name)
    pictures = find_pictures(found.tree, roots)
    labels, unlabelled = _located(labels, pictures.places)
    return Corpus(
        annotations=pl.DataFrame(schema={"id": pl.String}),
        images=_images(labels),
        quarantine=_quarantine(labels, unlabelled, pictures.unnamed),
        roots={name: root for root, name in roots.items()},
        inputs=tuple(_input(input_name, file) for file in found.files),
        findings={input_name: asdict(find_out(found, read, labels, pictures, unlabelled))},
    )


def _input(input_name: str, file: LabelFile) -> InputFile:
    return InputFile(input_name, file.place, file.bytes, file.sha256, file.url)


def _located(labels: pl.DataFrame, places: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(`labels` with their pictures' `places` and the faults that only those show, places left)."""
    rows = labels.select("id").join(
        places.select("id").with_row_index("place_row"), on="id", how="left", maintain_order="left"
    )
    located = labels.hstack(places.drop("id").select(pl.all().gather(rows["place_row"])))
    copies_differ = pl.col("picture_conflict").is_not_null()
    faults = {
        "conflicting_copies": (copies_differ, pl.col("picture_conflict")),
        "encrypted_member": (
            pl.col("encrypted").fill_null(False),
            pl.lit("The picture is encrypted in its archive."),
        ),
        "no_image": (
            pl.col("location").is_null(),
            pl.lit("No archive or folder that was given holds the picture."),
        ),
    }
    reason = detail = pl.lit(None, pl.String)
    for name, (found, sentence) in reversed(faults.items()):
        reason = pl.when(found).then(pl.lit(name)).otherwise(reason)
        detail = pl.when(found).then(sentence).otherwise(detail)
    sound = pl.col("reason").is_null()
    located = located.with_columns(
        reason=pl.when(sound).then(reason).otherwise("reason"),
        detail=pl.when(sound).then(detail).otherwise("detail"),
    )
    labelled = np.zeros(places.height, np.bool_)
    labelled[rows["place_row"].drop_nulls().to_numpy()] = True
    return located, places.filter(~labelled)


def _images(labels: pl.DataFrame) -> pl.DataFrame:
    """The sound records in the order of their ids, what annotators say as lists."""
    sound = labels.select("id").filter(labels["reason"].is_null())
    order = labels["reason"].is_null().arg_true().gather(sound["id"].arg_sort())
    needed = pl.col(r"^(?:label|background|left|top|right|bottom)_[ABC]$")
    plain = [name for name in _COLUMNS if name in labels.columns]
    ordered = labels.select(pl.col(*plain).gather(order), needed.gather(order))
    return ordered.with_columns(
        annotator_emotions=pl.concat_list(f"label_{annotator}" for annotator in ANNOTATORS),
        annotator_backgrounds=pl.concat_list(f"background_{annotator}" for annotator in ANNOTATORS),
        boxes=_boxes(ordered),
    ).select(_COLUMNS)


def _boxes(labels: pl.DataFrame) -> pl.Series:
    """A list of one struct per annotator for each record, null where an edge is missing.

    The edges of all boxes stand in one column each before they become structs and lists: six
    times as fast as lists of structs that polars puts together, and a tenth of the memory.
    """
    edges = {
        edge: np.column_stack(
            [labels[f"{edge}_{annotator}"].to_numpy() for annotator in ANNOTATORS]
        ).ravel()
        for edge in EDGES
    }
    whole = pl.all_horizontal(pl.all().is_finite())
    boxes = pl.DataFrame(edges).select(boxes=pl.when(whole).then(pl.struct(pl.all())))
    return boxes["boxes"].reshape((labels.height, len(ANNOTATORS))).arr.to_list()


def _quarantine(
    labels: pl.DataFrame, unlabelled: pl.DataFrame, unnamed: pl.DataFrame
) -> pl.DataFrame:
    faulty = labels.filter(pl.col("reason").is_not_null())
    own_name = pl.concat_str("source", pl.lit(" row "), pl.col("row").cast(pl.String))
    rows = [
        faulty.select(
            "source",
            "row",
            "reason",
            "detail",
            id=pl.coalesce("id", nfc(faulty["name"]), own_name),
            by_design=pl.col("reason") == "no_image",
        ),
        unlabelled.select(
            "id",
            source=_base_name("location"),
            reason=pl.lit("no_label"),
            detail=pl.lit("No label file that was given names the picture."),
            by_design=pl.lit(True),
        ),
        unnamed.select(
            id=_base_name("name"),
            source=_base_name("location"),
            reason=pl.lit("bad_name"),
            detail=pl.format("{} is no file name of CID.", pl.col("name").str.slice(0, 200)),
            by_design=pl.lit(False),
        ),
    ]
    return (
        pl.concat(rows, how="diagonal")
        .with_columns(table=pl.lit("images"), step=pl.lit("read"))
        .select([pl.col(name).cast(dtype) for name, dtype in QUARANTINE_SCHEMA.items()])
        .sort("id", "source", "row", maintain_order=True)
    )


def _base_name(column: str) -> pl.Expr:
    return pl.col(column).str.extract(r"([^/\\]*)$")

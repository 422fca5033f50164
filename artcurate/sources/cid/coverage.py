"""What was learned of CID's files: which labels have their pictures, and where those lie."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl

from artcurate.sources.cid.files import Found
from artcurate.sources.cid.labels import ANNOTATORS, EDGES
from artcurate.sources.cid.pictures import FOLDERS, Pictures

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class FileFindings:
    """One label file. release: as its path tells, else None.

    labels: records that repeat none of an earlier file; with_image: those of them with a picture.
    """

    name: str
    release: str | None
    records: int
    labels: int
    with_image: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many labels there are and how many of them have their picture."""

    labels: int
    with_image: int


@dataclass(frozen=True, slots=True)
class PersonCoverage:
    """Persons by how many of their labels have their pictures."""

    all: int
    some: int
    none: int


@dataclass(frozen=True, slots=True)
class ArchiveFindings:
    """One zip archive, or the pictures in folders together.

    name: its place below the folder that was given. parts: in how many files it lies.
    bytes: of the whole archive, or of the pictures in folders.
    images: pictures that are read from it; of these with a label, and encrypted.
    misnamed: pictures whose names are not CID's.
    unsafe: names that lead out of a folder; examples of them. Nothing is unpacked.
    """

    name: str
    parts: int
    bytes: int
    images: int
    with_label: int
    encrypted: int
    misnamed: int
    unsafe: int
    unsafe_examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was learned of CID's files.

    records: label records read; repeated_records: those that repeat an earlier one.
    labels: records that are left, of which kept are in `images` and the others in quarantine,
        faults by reason, those without picture not among them.
    coverage: of labels by pictures; classes by the uploader's emotion; releases.
    images: pictures found, each once; repeated_images: further copies, byte for byte the same.
    images_without_label, images_misnamed: pictures that were set aside.
    boxes_missing: boxes of kept labels that lack a number.
    professions_unknown: kept labels that do not say whether the person is a professional.
    labels_otherwise_named: kept labels whose file name says another emotion than the uploader.
    same_files: label files whose content is that of another, which were not read again.
    ignored: files that are neither labels nor pictures; links_outside: links that were not
        followed; undecodable: files that were not opened because their names are not UTF-8.
    """

    files: tuple[FileFindings, ...]
    records: int
    repeated_records: int
    labels: int
    kept: int
    faults: dict[str, int]
    coverage: Coverage
    classes: dict[str, Coverage]
    releases: dict[str, Coverage]
    persons: PersonCoverage
    archives: tuple[ArchiveFindings, ...]
    images: int
    repeated_images: int
    images_without_label: int
    images_misnamed: int
    boxes_missing: int
    professions_unknown: int
    labels_otherwise_named: int
    same_files: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    links_outside: tuple[str, ...]
    undecodable: tuple[str, ...]


def find_out(
    found: Found,
    records: int,
    labels: pl.DataFrame,
    pictures: Pictures,
    unlabelled: pl.DataFrame,
) -> Findings:
    """What there is to say of `labels`, every label record with its picture's place and faults.

    records: how many were read. unlabelled: the rows of `pictures.places` without a label.
    """
    edges = [f"{edge}_{annotator}" for annotator in ANNOTATORS for edge in EDGES]
    kept = labels.select("reason", "professional", "named_otherwise", *edges).filter(
        pl.col("reason").is_null()
    )
    lacking = pl.sum_horizontal(
        pl.any_horizontal(pl.col(f"{edge}_{annotator}").is_null() for edge in EDGES)
        for annotator in ANNOTATORS
    )
    return Findings(
        files=_files(found, labels),
        records=records,
        repeated_records=records - labels.height,
        labels=labels.height,
        kept=kept.height,
        faults=_faults(labels["reason"]),
        coverage=Coverage(labels.height, labels["location"].count()),
        classes=_coverage(labels, "uploader_emotion"),
        releases=_coverage(labels, "release"),
        persons=_persons(labels),
        archives=_archives(found, pictures, unlabelled),
        images=pictures.places.height,
        repeated_images=pictures.copies,
        images_without_label=unlabelled.height,
        images_misnamed=pictures.unnamed.height,
        boxes_missing=int(kept.select(lacking.sum()).item() or 0),
        professions_unknown=kept["professional"].null_count(),
        labels_otherwise_named=int(kept["named_otherwise"].sum()),
        same_files=found.same,
        ignored=found.ignored,
        links_outside=found.tree.links_outside,
        undecodable=found.tree.undecodable,
    )


def _faults(reasons: pl.Series) -> dict[str, int]:
    counted = reasons.drop_nulls().value_counts(name="rows").sort("reason")
    return {reason: rows for reason, rows in counted.iter_rows() if reason != "no_image"}


def _files(found: Found, labels: pl.DataFrame) -> tuple[FileFindings, ...]:
    counts = {
        number: (rows, with_image)
        for number, rows, with_image in labels.group_by("file")
        .agg(pl.len(), pl.col("location").count())
        .iter_rows()
    }
    return tuple(
        FileFindings(file.place, file.release, file.records, *counts.get(number, (0, 0)))
        for number, file in enumerate(found.files)
    )


def _coverage(labels: pl.DataFrame, column: str) -> dict[str, Coverage]:
    counts = (
        labels.group_by(pl.col(column).fill_null("unknown"))
        .agg(pl.len(), pl.col("location").count())
        .sort(column)
    )
    return {name: Coverage(rows, with_image) for name, rows, with_image in counts.iter_rows()}


def _persons(labels: pl.DataFrame) -> PersonCoverage:
    share = (
        labels.select("person", "location")
        .drop_nulls("person")
        .group_by("person")
        .agg(share=pl.col("location").is_not_null().mean())["share"]
    )
    complete, empty = int((share == 1).sum()), int((share == 0).sum())
    return PersonCoverage(all=complete, some=share.len() - complete - empty, none=empty)


def _archives(
    found: Found, pictures: Pictures, unlabelled: pl.DataFrame
) -> tuple[ArchiveFindings, ...]:
    """Every archive that holds pictures or unsafe names, and the folders."""
    images, without_label, misnamed = (
        Counter(dict(frame["archive"].value_counts().iter_rows()))
        for frame in (pictures.places, unlabelled, pictures.unnamed)
    )
    encrypted = Counter(pictures.places.filter("encrypted")["archive"])
    archives = {archive.file.location: archive for archive in found.tree.archives}
    loose = int(pictures.places.filter(pl.col("archive") == FOLDERS)["bytes"].sum())
    return tuple(
        ArchiveFindings(
            name=name,
            parts=archives[name].parts if name in archives else 0,
            bytes=archives[name].file.size if name in archives else loose,
            images=images[name],
            with_label=images[name] - without_label[name],
            encrypted=encrypted[name],
            misnamed=misnamed[name],
            unsafe=len(pictures.unsafe.get(name, ())),
            unsafe_examples=pictures.unsafe.get(name, ())[:_EXAMPLES],
        )
        for name in sorted({*images, *misnamed, *pictures.unsafe})
    )

"""What `coverage.Findings` say, as the lines a user reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from artcurate.sources.places import listed

Findings = Mapping[str, Any]

#: Counts of the findings that are told where they are not zero.
_NOTES = {
    "repeated_records": "label records repeat an earlier one",
    "repeated_images": "further copies of pictures, byte for byte the same",
    "images_without_label": "pictures without label",
    "images_misnamed": "pictures whose names are not CID's",
    "boxes_missing": "boxes of faces are missing",
    "professions_unknown": "labels do not say whether the person is a professional",
    "labels_otherwise_named": "file names say another emotion than the uploader",
}
_LISTS = {
    "ignored": "files are neither labels nor pictures and were passed over",
    "same_files": "label files repeat another",
    "links_outside": "links lead out of the folder and were not followed",
    "undecodable": "files were not opened, as their names are not UTF-8",
}


def cid_lines(found: Findings) -> Iterator[str]:
    """Coverage of labels by pictures: in all, per label file, class, person and archive."""
    labels, with_image = found["coverage"]["labels"], found["coverage"]["with_image"]
    yield (
        f"faces: {labels:,} labels in {len(found['files'])} files, {with_image:,} of them with "
        f"their picture ({_share(with_image, labels)}); {found['kept']:,} are usable"
    )
    if found["faults"]:
        faults = ", ".join(f"{count:,} {reason}" for reason, count in found["faults"].items())
        yield f"  labels left out as faulty: {faults}"
    classes = ", ".join(f"{name} {_covered(one)}" for name, one in found["classes"].items())
    yield f"  pictures there, by class: {classes}"
    releases = ", ".join(f"{name} {_covered(one)}" for name, one in found["releases"].items())
    persons = found["persons"]
    yield (
        f"  by release: {releases}; by person: all of {persons['all']:,}, some of "
        f"{persons['some']:,}, none of {persons['none']:,}"
    )
    for file in found["files"]:
        lacking = file["labels"] - file["with_image"]
        if lacking:
            yield f"  {lacking:,} of {file['labels']:,} pictures are missing of {file['name']}"
    yield from (f"  {_archive_line(archive)}" for archive in found["archives"])
    yield from (f"  {found[key]:,} {words}" for key, words in _NOTES.items() if found[key])
    for key, words in _LISTS.items():
        if places := found[key]:
            yield f"  {len(places):,} {words}: {listed(places)}"


def _archive_line(archive: Findings) -> str:
    without = archive["images"] - archive["with_label"]
    notes = {
        "without label": without,
        "encrypted": archive["encrypted"],
        "misnamed": archive["misnamed"],
        "whose names lead out of their folder (nothing is unpacked)": archive["unsafe"],
    }
    told = [f"{count:,} {words}" for words, count in notes.items() if count]
    parts = f" in {archive['parts']} parts" if archive["parts"] > 1 else ""
    return f"{archive['name']}{parts}: {archive['images']:,} pictures" + "".join(
        f", {note}" for note in told
    )


def _covered(coverage: Findings) -> str:
    return (
        f"{coverage['with_image']:,} of {coverage['labels']:,} "
        f"({_share(coverage['with_image'], coverage['labels'])})"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"

"""How the reader's own copies differ from the inputs that a dataset was made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from artcurate.corpus import Corpus, InputFile
from artcurate.errors import DataError
from artcurate.files import sha256_of
from artcurate.package.lock import Lock, LockedInput, locked_folder
from artcurate.package.pictures import read_pictures
from artcurate.package.summary import QUARANTINE_FILE
from artcurate.pipeline import Pipeline

#: The reason under which readers leave out a picture that is described and not there.
_ABSENT = "no_image"


@dataclass(frozen=True, slots=True)
class Difference:
    """An input that is not as it was. problem: what is wrong with it, half a sentence."""

    input: str
    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.input}: {self.name}: {self.problem}."


def differences(
    folder: Path, locked: Lock, pipeline: Pipeline, corpus: Corpus, read: Collection[str]
) -> tuple[Difference, ...]:
    """Every input that differs, before anything is built: files first, then pictures.

    folder: holds the recipe's tables. corpus: the reader's copies, as the readers give them. read:
    the inputs that it was read from; others are not compared, and pictures only where it has some.

    Files are told by their sha256, so one that was moved or renamed is the same. Pictures are told
    by their name and size; their sha256 is known when they have been probed (`changed_pictures`).
    """
    expected = read_pictures(folder)
    return (
        *_file_differences(
            [file for file in _locked_files(locked, expected) if file.input in read], corpus.inputs
        ),
        *_parameter_differences(locked, pipeline.parameter_files()),
        *(_picture_differences(folder, expected, pipeline, corpus) if corpus.roots else ()),
    )


def changed_pictures(recipe: Path, rebuilt: Path) -> tuple[Difference, ...]:
    """Pictures of a dataset that was rebuilt whose sha256 is not that of the recipe."""
    both = read_pictures(recipe).join(read_pictures(rebuilt), on=["root", "id"], suffix="_now")
    changed = both.filter(pl.col("sha256") != pl.col("sha256_now")).sort("root", "id")
    return tuple(
        Difference(row["root"], row["id"], _other(row["sha256_now"], row["sha256"]))
        for row in changed.iter_rows(named=True)
    )


def _locked_files(locked: Lock, pictures: pl.DataFrame) -> list[LockedInput]:
    """The entries of the lock that are one raw file each: no pictures and no parameter's file."""
    digests = {
        locked_folder(str(root), "", mine.select("id", "bytes", "sha256").iter_rows()).sha256
        for (root,), mine in pictures.group_by("root")
    }
    return [
        one
        for one in locked.inputs
        if one.files == 1 and one.sha256 not in digests and "." not in one.input
    ]


def _file_differences(
    expected: Sequence[LockedInput], given: Sequence[InputFile]
) -> Iterator[Difference]:
    there = {(file.input, file.sha256) for file in given}
    wanted = {(file.input, file.sha256) for file in expected}
    strangers = {
        (file.input, file.name): file for file in given if (file.input, file.sha256) not in wanted
    }
    for file in sorted(expected, key=lambda file: (file.input, file.name)):
        if (file.input, file.sha256) in there:
            continue
        found = strangers.pop((file.input, file.name), None)
        problem = (
            _other(found.sha256, file.sha256)
            if found
            else f"missing ({file.bytes:,} bytes, sha256 {file.sha256})"
        )
        yield Difference(file.input, file.name, problem)
    for input_name, name in sorted(strangers):
        yield Difference(input_name, name, "not among the inputs of the recipe; leave it out")


def _parameter_differences(locked: Lock, files: Mapping[str, Path]) -> Iterator[Difference]:
    expected = {one.input: one for one in locked.inputs}
    for name, path in sorted(files.items()):
        actual = sha256_of(path)
        if name in expected and actual != expected[name].sha256:
            yield Difference(name, path.name, _other(actual, expected[name].sha256))


def _other(actual: str, expected: str) -> str:
    return f"other sha256, {actual}; expected {expected}"


def _picture_differences(
    folder: Path, expected: pl.DataFrame, pipeline: Pipeline, corpus: Corpus
) -> Iterator[Difference]:
    if expected.is_empty():
        return
    given = _given_pictures(pipeline, corpus)
    names = dict(given.select("id", "name").iter_rows())
    root = str(expected["root"][0])
    # A reader that leaves a picture out for another reason does not say whether it is there.
    maybe_present = set(given.filter(pl.col("state") != "absent")["id"])
    wanted = set(expected["id"]) | _set_aside(folder)
    for name in sorted(names.get(one, one) for one in wanted - maybe_present):
        yield Difference(root, name, "missing")
    for name in sorted(names[one] for one in set(given.filter(state="present")["id"]) - wanted):
        yield Difference(root, name, "not among the pictures of the recipe; leave it out")
    sizes = expected.join(given, on="id", suffix="_now").filter(
        pl.col("bytes") != pl.col("bytes_now")
    )
    for row in sizes.sort("id").iter_rows(named=True):
        problem = f"{row['bytes_now']:,} bytes; expected {row['bytes']:,}"
        yield Difference(row["root"], row["name"], problem)


def _set_aside(folder: Path) -> set[str]:
    """Pictures that the publisher held and the build left out."""
    path = folder / QUARANTINE_FILE
    if not path.is_file():
        return set()
    try:
        left_out = pl.read_parquet(path, columns=["id", "table", "reason"])
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not readable as a quarantine ({reason}).") from None
    return set(left_out.filter(pl.col("table") == "images", pl.col("reason") != _ABSENT)["id"])


def _given_pictures(pipeline: Pipeline, corpus: Corpus) -> pl.DataFrame:
    """The reader's pictures: `id` as it is published, `name`, `state`, and `bytes` where known.

    state: present, absent, or left_out where the reader gives another reason.
    """
    kept = corpus.images.select(
        "id",
        name=pl.concat_str("location", "member", separator="/", ignore_nulls=True),
        state=pl.lit("present"),
        bytes=pl.col("bytes").cast(pl.Int64),
    )
    aside = corpus.quarantine.filter(table="images").select(
        "id",
        name="id",
        state=pl.when(reason=_ABSENT).then(pl.lit("absent")).otherwise(pl.lit("left_out")),
        bytes=pl.lit(None, pl.Int64),
    )
    return pl.concat([kept, aside]).with_columns(
        _published_ids(pipeline, [*kept["id"], *aside["id"]])
    )


def _published_ids(pipeline: Pipeline, ids: Sequence[str]) -> pl.Series:
    """The ids that pictures have once the pipeline's step `pseudonyms`, if any, has run."""
    for stage in pipeline.stages:
        if stage.step.name == "pseudonyms":
            images = pl.DataFrame({"id": ids}, schema={"id": pl.String}).with_columns(
                person=pl.lit("")
            )
            bare = Corpus(annotations=pl.DataFrame(schema={"id": pl.String}), images=images)
            named = stage.step.function(bare, parameters=stage.parameters)
            return named.images["id"]
    return pl.Series("id", ids, pl.String)

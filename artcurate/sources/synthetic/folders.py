"""The folder that a sample is written to: it appears whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from artcurate.errors import DataError, UsageError

README_FILE = "README.txt"


def check_folder(directory: Path, title: str, names: Collection[str]) -> None:
    """Raise UsageError where `directory` holds anything but a sample with this title.

    names: what such a sample consists of, beside its readme.
    """
    if directory.is_dir():
        if any(directory.iterdir()) and not _is_sample(directory, title):
            raise UsageError(
                f"{directory} holds something that is no sample; give a folder that does not "
                "exist yet."
            )
        if strangers := {path.name for path in directory.iterdir()} - {*names, README_FILE}:
            raise UsageError(
                f"{directory} also holds {', '.join(sorted(strangers))}, which would be lost; move "
                "it elsewhere, or give another folder."
            )
    elif directory.exists():
        raise UsageError(f"{directory} is a file; give a folder that does not exist yet.")


@contextmanager
def appearing(directory: Path) -> Iterator[Path]:
    """A folder beside `directory` that takes its place when all went well, and goes otherwise.

    Raises DataError where the file system refuses.
    """
    unfinished = directory.parent / f".{directory.name}.unfinished"
    replaced = directory.parent / f".{directory.name}.replaced"
    try:
        for leftover in (unfinished, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir(parents=True)
        yield unfinished
        if directory.exists():
            directory.rename(replaced)
        unfinished.rename(directory)
    except OSError as error:
        raise DataError(
            f"{directory}: the sample cannot be written ({error.strerror or error}); "
            "free some space or give another folder."
        ) from None
    finally:
        for leftover in (unfinished, replaced):
            shutil.rmtree(leftover, ignore_errors=True)


def write_readme(folder: Path, title: str, *lines: str) -> None:
    """Mark `folder` as a sample with this title."""
    (folder / README_FILE).write_text("\n".join((title, *lines)) + "\n", encoding="utf-8")


def _is_sample(directory: Path, title: str) -> bool:
    readme = directory / README_FILE
    return readme.is_file() and readme.read_bytes().startswith(title.encode())

"""YAML files checked as a whole before anything is taken from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from artcurate.errors import DataError
from artcurate.resources import read_yaml


class FileModel(BaseModel):
    """A part of a file, with the keys that it may have and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_File = TypeVar("_File")


def read_checked(
    path: Path,
    model: type[_File] | TypeAdapter[_File],
    problems: Callable[[_File], Iterable[str]] = lambda _: (),
) -> _File:
    """The content of the YAML file at `path` as a `model`.

    problems: what is wrong with a file whose every part is right, a phrase for each.

    Raises:
        UsageError: there is no such file.
        DataError: one problem per wrong place.
    """
    raw = read_yaml(path)
    adapter = model if isinstance(model, TypeAdapter) else TypeAdapter(model)
    try:
        file = adapter.validate_python(raw)
    except ValidationError as error:
        raise DataError(
            [
                f"{path}: {_place(problem['loc']) or 'the file'}: {problem['msg']}."
                for problem in error.errors()
            ]
        ) from None
    if found := [f"{path}: {problem}." for problem in problems(file)]:
        raise DataError(found)
    return file


def _place(location: Iterable[int | str]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")

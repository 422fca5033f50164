from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from artcurate.checked_yaml import FileModel, read_checked
from artcurate.errors import DataError, UsageError


class Pigment(FileModel):
    name: str
    parts: int


class Palette(FileModel):
    title: str
    pigments: tuple[Pigment, ...]


def too_much(palette: Palette) -> Iterator[str]:
    for pigment in palette.pigments:
        if pigment.parts > 9:
            yield f"{pigment.name}: {pigment.parts} parts, 9 at most"


def written(folder: Path, text: str) -> Path:
    path = folder / "palette.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_right_file_is_its_model(tmp_path: Path) -> None:
    path = written(tmp_path, "title: Sea\npigments: [{name: azurite, parts: 3}]\n")

    assert read_checked(path, Palette, too_much).pigments[0] == Pigment(name="azurite", parts=3)


def test_every_wrong_place_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, "tilte: Sea\npigments: [{name: azurite, parts: 3}, {name: 1}]\n")

    with pytest.raises(DataError) as caught:
        read_checked(path, Palette, too_much)
    places = {line.removeprefix(f"{path}: ").split(":")[0] for line in caught.value.problems}
    assert places == {"tilte", "title", "pigments[1].name", "pigments[1].parts"}


def test_what_is_wrong_with_the_whole_is_told_when_every_part_is_right(tmp_path: Path) -> None:
    path = written(tmp_path, "title: Sea\npigments: [{name: azurite, parts: 30}]\n")

    with pytest.raises(DataError, match=r"palette\.yaml: azurite: 30 parts, 9 at most\.$"):
        read_checked(path, Palette, too_much)


def test_a_file_that_holds_nothing_is_named_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"palette\.yaml: the file: "):
        read_checked(written(tmp_path, ""), Palette)
    with pytest.raises(UsageError, match="no such file"):
        read_checked(tmp_path / "none.yaml", Palette)

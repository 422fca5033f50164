"""From annotation files of known forms to the tables that flow through a pipeline."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath

import polars as pl

from artcurate.corpus import QUARANTINE_SCHEMA, Corpus, InputFile
from artcurate.errors import DataError
from artcurate.keys import name_paintings
from artcurate.sources.columnar import ColumnarFile, read_columnar, read_footer
from artcurate.sources.delimited import Header, read_delimited, read_header
from artcurate.sources.forms import Form, describe_misfit, recognise
from artcurate.sources.rawfile import Container, RawTable, sniff, unreadable

_SUFFIXES = (".csv", ".parquet")
_PICTURE_COLUMN = "image"
_PICTURE_PATH = r"([^/\\]+)[/\\]([^/\\]+?)(?:\.(?i:jpe?g|png|webp))?$"
_WHOLE_NUMBER = r"^\s*(\d{1,9})(?:\.0+)?\s*$"
#: So many characters of the file's sha256 begin the ids of its rows.
_ID_PREFIX = 8


@dataclass(frozen=True, slots=True)
class FileFindings:
    """What was learned of one annotations file; rows = kept + quarantined.

    form, title: the form's name and how to call it in a sentence.
    extra_columns: columns that the form does not know; they were not read.
    recovered: whether the file was irregular and read record by record.
    """

    name: str
    form: str
    title: str
    rows: int
    kept: int
    quarantined: int
    extra_columns: tuple[str, ...]
    blank_lines: int
    recovered: bool


@dataclass(frozen=True, slots=True)
class _File:
    """An annotations file whose form is known, before its rows are read.

    name: what the lock calls it, a base name or a name inside the folder that was given.
    """

    path: Path
    name: str
    form_name: str
    form: Form
    layout: Header | ColumnarFile

    def read(self) -> RawTable:
        wanted = self.form.wanted(self.layout.columns)
        if isinstance(self.layout, Header):
            return read_delimited(self.path, self.layout, wanted)
        return read_columnar(self.path, self.layout, wanted, numeric=self.form.label)

    @property
    def holds_pictures(self) -> bool:
        return isinstance(self.layout, ColumnarFile) and _PICTURE_COLUMN in self.layout.pictures


def read_files(paths: Sequence[Path], forms: Mapping[str, Form], *, input_name: str) -> Corpus:
    """The annotations in `paths`, files or folders of CSV and Parquet files of `forms`.

    Folders are searched through in the order of their files' names; hidden files and linked
    folders in them are passed over.

    Raises:
        DataError: every file that is missing, unreadable, of no known form, given twice, or
            without a readable row; all of them at once.
    """
    files = _recognise_all(paths, forms)
    tables = _read_all(files)
    annotations, quarantine, findings = [], [], []
    for file, table in zip(files, tables, strict=True):
        rows = _annotations(file, table)
        faults = pl.concat([table.faults, _faults(file, rows)])
        kept = rows.filter(~pl.col("row").is_in(faults["row"].implode()))
        annotations.append(kept.select(_ANNOTATION_COLUMNS))
        quarantine.append(_quarantine(file, table, faults))
        findings.append(
            FileFindings(
                name=file.name,
                form=file.form_name,
                title=file.form.title,
                rows=table.rows.height + table.faults.height,
                kept=kept.height,
                quarantined=faults.height,
                extra_columns=file.form.unknown(file.layout.columns),
                blank_lines=table.blank_lines,
                recovered=table.recovered,
            )
        )
    root = Path(os.path.commonpath([file.path.absolute().parent for file in files]))
    images = _pictures(files, annotations, input_name, root)
    return Corpus(
        annotations=pl.concat(annotations),
        images=images,
        quarantine=pl.concat(quarantine),
        roots={input_name: root} if images.height else {},
        inputs=tuple(
            InputFile(input_name, file.name, table.bytes, table.sha256)
            for file, table in zip(files, tables, strict=True)
        ),
        findings={input_name: {"files": [asdict(found) for found in findings]}},
    )


def _recognise_all(paths: Sequence[Path], forms: Mapping[str, Form]) -> list[_File]:
    files: list[_File] = []
    problems: list[str] = []
    for path in paths:
        try:
            found = list(_find(path))
        except DataError as error:
            problems += error.problems
            continue
        for file, name in found:
            try:
                files.append(_recognise(file, name, forms))
            except DataError as error:
                problems += error.problems
    if problems:
        raise DataError(problems)
    return files


def _find(path: Path) -> Iterator[tuple[Path, str]]:
    """(path, name) of the file at `path`, or of every annotations file in the folder there."""
    try:
        kind = path.stat().st_mode
    except OSError as error:
        raise DataError(unreadable(path, error)) from error
    if stat.S_ISREG(kind):
        yield path, path.name
        return
    if not stat.S_ISDIR(kind):
        raise DataError(f"{path}: this is neither a file nor a folder.")
    found = sorted(_walk(path), key=lambda file: file.relative_to(path).as_posix())
    if not found:
        raise DataError(f"{path}: the folder holds no CSV and no Parquet file.")
    for file in found:
        yield file, file.relative_to(path).as_posix()


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise DataError(unreadable(Path(error.filename or folder), error)) from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if is_annotations_file(name):
                yield Path(place, name)


def is_annotations_file(name: str) -> bool:
    """Whether a file called `name` in a folder is one of annotations."""
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def _recognise(path: Path, name: str, forms: Mapping[str, Form]) -> _File:
    layout: Header | ColumnarFile
    layout = read_footer(path) if sniff(path) is Container.PARQUET else read_header(path)
    form_name = recognise(layout.columns, forms)
    if form_name is None:
        raise DataError(f"{path}: {describe_misfit(layout.columns, forms)}.")
    form = forms[form_name]
    if form.refusal:
        raise DataError(f"{path}: {form.refusal}.")
    return _File(path, name, form_name, form, layout)


def _read_all(files: Sequence[_File]) -> list[RawTable]:
    tables: list[RawTable] = []
    problems: list[str] = []
    by_prefix: dict[str, Path] = {}
    for file in files:
        try:
            table = file.read()
        except DataError as error:
            problems += error.problems
            continue
        prefix = table.sha256[:_ID_PREFIX]
        if prefix in by_prefix:
            problems.append(
                f"{file.path}: its content is that of {by_prefix[prefix]}; give only one of them."
            )
        by_prefix[prefix] = file.path
        tables.append(table)
    if problems:
        raise DataError(problems)
    return tables


_ANNOTATION_COLUMNS = (
    "id",
    "source",
    "row",
    "style",
    "painting",
    "image_key",
    "text",
    "emotion",
    "emotion_id",
    "language",
    "split_official",
)


def _annotations(file: _File, table: RawTable) -> pl.DataFrame:
    """Every row that could be read, in the annotations' columns and `label` as it was spelled."""
    form, present = file.form, frozenset(table.rows.columns)

    def text(column: str | None) -> pl.Expr:
        return pl.col(column).fill_null("") if column in present else pl.lit("")

    style, painting = text(form.style), text(form.painting)
    if form.picture in present:
        unnamed = (style == "") | (painting == "")
        picture = text(form.picture)
        style, painting = (
            pl.when(unnamed)
            .then(picture.str.extract(_PICTURE_PATH, group).fill_null(""))
            .otherwise(named)
            for group, named in ((1, style), (2, painting))
        )
    return table.rows.select(
        id=_row_id(table),
        source=pl.lit(file.path.name),
        row="row",
        style=style,
        painting=painting,
        text=text(form.text),
        emotion=text(form.emotion),
        label=text(form.label),
        language=text(form.language) if form.spoken is None else pl.lit(form.spoken),
        split_official=text(form.split).replace("", None),
    ).with_columns(
        image_key=pl.concat_str("style", "painting", separator="/"),
        emotion_id=pl.col("label").str.extract(_WHOLE_NUMBER, 1).cast(pl.Int64),
    )


def _row_id(table: RawTable) -> pl.Expr:
    number = pl.col("row").cast(pl.String).str.zfill(7)
    return pl.lit(f"{table.sha256[:_ID_PREFIX]}-") + number


def _faults(file: _File, rows: pl.DataFrame) -> pl.DataFrame:
    """Readable rows that no painting or no label can be found for: row, reason, detail."""
    unnamed = (pl.col("style") == "") | (pl.col("painting") == "")
    # A key is one style and one painting: more slashes would name a path, or another style.
    unnamed |= pl.col("image_key").str.count_matches("/", literal=True) != 1
    mislabelled = pl.col("emotion_id").is_null() & (pl.col("label") != "")
    place = pl.format("row {} ", "row")
    return rows.filter(unnamed | mislabelled).select(
        "row",
        reason=pl.when(unnamed).then(pl.lit("no_painting")).otherwise(pl.lit("bad_label_id")),
        detail=pl.when(unnamed)
        .then(place + f"names no {file.form.style} or no {file.form.painting}, or a path there")
        .otherwise(
            place + pl.format("has {} as " + str(file.form.label) + ", no whole number", "label")
        ),
    )


def _quarantine(file: _File, table: RawTable, faults: pl.DataFrame) -> pl.DataFrame:
    return faults.select(
        id=_row_id(table),
        table=pl.lit("annotations"),
        source=pl.lit(file.path.name),
        row="row",
        step=pl.lit("read"),
        reason="reason",
        detail="detail",
        by_design=pl.lit(False),
    ).select([pl.col(name).cast(dtype) for name, dtype in QUARANTINE_SCHEMA.items()])


def _pictures(
    files: Sequence[_File], annotations: Sequence[pl.DataFrame], root_name: str, root: Path
) -> pl.DataFrame:
    """The paintings whose pictures lie in the files: one row each, where it first stands.

    `member` is the 0-based row of the Parquet file at `location`; `bytes` is null, because it is
    known only once the pictures are read.
    """
    places = [
        rows.select(
            "style",
            "painting",
            root=pl.lit(root_name),
            location=pl.lit(_below(root, file.path)),
            member=(pl.col("row") - 1).cast(pl.String),
            source="source",
            bytes=pl.lit(None, pl.Int64),
        )
        for file, rows in zip(files, annotations, strict=True)
        if file.holds_pictures
    ]
    return name_paintings(pl.concat(places)) if places else pl.DataFrame(schema={"id": pl.String})


def _below(root: Path, path: Path) -> str:
    return PurePath(path.absolute()).relative_to(root).as_posix()

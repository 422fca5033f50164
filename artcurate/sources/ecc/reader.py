"""ECC (감성 대화 말뭉치): Korean dialogues in which a person tells a chatbot how they feel.

58,271 dialogues of two or three turns (older releases: up to four) between a person and a system,
written to order: each for a profile of age group, gender, situation, disease and one of sixty
emotions. AI Hub data set 86, after applying for it:

    https://www.aihub.or.kr/aihubdata/data/view.do?dataSetSn=86

Four zip archives, 20 MB; those of one release have the same name in two folders:

    018.감성대화/
      Training_221115_add/원천데이터/감성대화말뭉치(최종데이터)_Training.zip      xlsx, Korean words
      Training_221115_add/라벨링데이터/감성대화말뭉치(최종데이터)_Training.zip    json, codes
      Validation_221115_add/...                                                  the same again

Both forms hold the same dialogues but for three that only the spreadsheets have. The talk-id
stands in the JSON only; persona-id is a profile that many dialogues and both releases share, not a
speaker. The JSON has one code, D02, for two words of the spreadsheets.

Used under AI Hub's terms: for training AI models, without redistribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import polars as pl

from artcurate.corpus import QUARANTINE_SCHEMA, Corpus, InputFile
from artcurate.net.paths import AnyPath
from artcurate.sources.ecc.codes import TURNS
from artcurate.sources.ecc.files import Found, find_dialogues
from artcurate.sources.ecc.merge import Merged, merge_files

_EXAMPLES = 20
_COLUMNS = (
    "id",
    "source",
    "row",
    "dialogue",
    "turn",
    "role",
    "text",
    "emotion",
    "fine_emotion",
    "age_group",
    "gender",
    "situation",
    "disease",
    "disease_asked",
    "release",
    "persona",
)


@dataclass(frozen=True, slots=True)
class FileFindings:
    """One file of dialogues. release: as its path tells, else None."""

    name: str
    form: str
    release: str | None
    dialogues: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which a table disagrees with the record that won."""

    dialogue: str
    field: str
    kept: str
    other: str
    source: str
    row: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What was learned of ECC's files.

    dialogues: how many there are, each once, those in quarantine included.
    utterances: rows of annotations; quarantined: utterances that were set aside, faults by reason.
    releases: dialogues per release; unknown where no path tells it.
    in_both, in_json_only, in_tables_only: dialogues by where they stand.
    repeated_records: copies of records with a talk-id that came before.
    differing_dialogues, differing_fields: where tables disagree with the JSON, which wins.
    differences: the first of them.
    told_apart: dialogues with D02 of which a table tells what it means.
    unknown_fine_emotions: finer words that ECC does not know, with their rows; they became null.
    same_files: files whose content is that of another, which were not read again.
    ignored: files without dialogues; links_outside: links that were not followed;
    undecodable: files that were not opened because their names are not UTF-8.
    """

    files: tuple[FileFindings, ...]
    dialogues: int
    utterances: int
    quarantined: int
    faults: dict[str, int]
    releases: dict[str, int]
    in_both: int
    in_json_only: int
    in_tables_only: int
    repeated_records: int
    differing_dialogues: int
    differing_fields: dict[str, int]
    differences: tuple[Difference, ...]
    told_apart: int
    unknown_fine_emotions: dict[str, int]
    same_files: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    links_outside: tuple[str, ...]
    undecodable: tuple[str, ...]


def read_ecc(paths: Sequence[AnyPath], *, input_name: str = "ecc") -> Corpus:
    """The dialogues in `paths`, files or folders, as JSON, xlsx or CSV, zipped or not.

    `annotations` has one row per sentence that is not empty: id (dialogue and turn), source, row,
    dialogue (the talk-id; `xlsx-{release}-{counter}` where only a table has the dialogue), turn
    (HS01, SS01, HS02, …), role (human, system), text (as written), emotion (a label of korean7),
    fine_emotion (of ecc60, null where unknown), age_group (teen, young, middle, senior), gender
    (male, female), situation (S01 to S13, null where not told), disease (D01, or D02 for no chronic
    disease, null otherwise), disease_asked (whether the question applied, null where only D02 of
    the JSON says), release (training, validation, null where unknown) and persona. Rows are in the
    order of dialogue and turn, so that it does not matter how the files lie. A dialogue with a
    fault is set aside as a whole. `findings[input_name]` is `Findings` as a dictionary.

    Raises:
        DataError: there are no dialogues, or a file or archive is damaged; all such problems of
            all files at once.
    """
    found = find_dialogues(paths)
    merged = merge_files(found.files)
    sound = pl.col("reason").is_null()
    annotations = _utterances(merged.dialogues.filter(sound))
    quarantine = _quarantine(merged.dialogues.filter(~sound))
    return Corpus(
        annotations=annotations,
        images=pl.DataFrame(schema={"id": pl.String}),
        quarantine=quarantine,
        inputs=tuple(
            InputFile(input_name, file.place, file.bytes, file.sha256, file.url)
            for file in found.files
        ),
        findings={
            input_name: asdict(_findings(found, merged, annotations.height, quarantine["reason"]))
        },
    )


def _utterances(dialogues: pl.DataFrame) -> pl.DataFrame:
    told = pl.col("disease").is_in(["D01", "D02"])
    order = pl.Enum(list(TURNS))
    return (
        dialogues.with_columns(
            disease=pl.when(told).then("disease"),
            disease_asked=pl.when(told)
            .then(True)
            .when(pl.col("disease") == "not_asked")
            .then(False),
        )
        .unpivot(
            on=list(TURNS),
            index=[name for name in dialogues.columns if name not in TURNS] + ["disease_asked"],
            variable_name="turn",
            value_name="text",
        )
        .filter(pl.col("text").str.strip_chars() != "")
        .with_columns(
            id=pl.concat_str("dialogue", "turn", separator="_"),
            role=pl.col("turn").replace_strict(dict(TURNS), return_dtype=pl.String),
        )
        .sort("dialogue", pl.col("turn").cast(order), maintain_order=True)
        .select(_COLUMNS)
    )


def _quarantine(dialogues: pl.DataFrame) -> pl.DataFrame:
    """One row per sentence of the dialogues; one for a dialogue without any."""
    sentences = pl.concat_list(
        pl.when(pl.col(turn).str.strip_chars() != "").then(pl.format("{}_" + turn, "dialogue"))
        for turn in TURNS
    ).list.drop_nulls()
    return (
        dialogues.with_columns(
            id=pl.when(sentences.list.len() > 0)
            .then(sentences)
            .otherwise(pl.concat_list("dialogue"))
        )
        .explode("id")
        .with_columns(table=pl.lit("annotations"), step=pl.lit("read"), by_design=pl.lit(False))
        .sort("id", maintain_order=True)
        .select([pl.col(name).cast(dtype) for name, dtype in QUARANTINE_SCHEMA.items()])
    )


def _findings(found: Found, merged: Merged, utterances: int, reasons: pl.Series) -> Findings:
    dialogues, differing = merged.dialogues, merged.differences
    in_json = pl.col("form") == "json"
    in_tables = pl.col("tables") > 0

    def count(condition: pl.Expr) -> int:
        return dialogues.filter(condition).height

    return Findings(
        files=tuple(
            FileFindings(file.place, file.form, file.release, file.dialogues.height)
            for file in found.files
        ),
        dialogues=dialogues.height,
        utterances=utterances,
        quarantined=reasons.len(),
        faults=_counts(reasons),
        releases=_counts(dialogues["release"].fill_null("unknown")),
        in_both=count(in_json & in_tables),
        in_json_only=count(in_json & ~in_tables),
        in_tables_only=count(~in_json),
        repeated_records=merged.repeated,
        differing_dialogues=differing["dialogue"].n_unique(),
        differing_fields=_counts(differing["field"]),
        differences=tuple(
            Difference(**values) for values in differing.head(_EXAMPLES).iter_rows(named=True)
        ),
        told_apart=count(in_json & in_tables & pl.col("disease").is_in(["D02", "not_asked"])),
        unknown_fine_emotions=_counts(dialogues["unknown_fine"].drop_nulls()),
        same_files=found.same,
        ignored=found.ignored,
        links_outside=found.tree.links_outside,
        undecodable=found.tree.undecodable,
    )


def _counts(values: pl.Series) -> dict[str, int]:
    """Value -> how often it stands, in the order of the values."""
    tally = values.alias("value").value_counts(name="rows").sort("value")
    return dict(tally.iter_rows())

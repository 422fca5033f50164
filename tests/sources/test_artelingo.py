"""Every form people hold is recognised by its columns and becomes the same table."""

from __future__ import annotations

import csv
import json
import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artcurate.corpus import QUARANTINE_SCHEMA, Corpus
from artcurate.errors import DataError
from artcurate.sources.artelingo import read_annotations

RELEASE = [
    "art_style",
    "emotion",
    "emotion_label",
    "language",
    "language_label",
    "painting",
    "split",
    "tokens",
    "tokens_encoded",
    "tokens_len",
    "utterance",
    "utterance_spelled",
    "image_file",
    "grounding_emotion",
]
NFD = unicodedata.normalize("NFD", "joaquã\u00adn-sorolla_siesta")

COLUMNS = {
    "id": pl.String,
    "source": pl.String,
    "row": pl.Int64,
    "style": pl.String,
    "painting": pl.String,
    "image_key": pl.String,
    "text": pl.String,
    "emotion": pl.String,
    "emotion_id": pl.Int64,
    "language": pl.String,
    "split_official": pl.String,
}


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def release_row(**changes: str) -> dict[str, str]:
    return {
        "art_style": "Impressionism",
        "emotion": "awe",
        "emotion_label": "1",
        "language": "arabic",
        "language_label": "1",
        "painting": NFD,
        "split": "train",
        "tokens": "['<s>', '▁بحر', \"It's\"]",
        "tokens_encoded": "[0, 5, 2]",
        "tokens_len": "46",
        "utterance": "بحر هادئ",
        "utterance_spelled": "بحر",
        "image_file": f"YOUR/PATH/TO/WIKIART/Impressionism/{NFD}.jpg",
        "grounding_emotion": "awe",
        **changes,
    }


def values(corpus: Corpus, *columns: str) -> list[tuple[object, ...]]:
    return corpus.annotations.select(columns).rows()


def form_of(corpus: Corpus) -> str:
    (file,) = corpus.findings["annotations"]["files"]
    return str(file["form"])


def test_the_release_keeps_its_spelling_and_its_numbers(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "artelingo_release.csv", RELEASE, [release_row()] * 2)
    corpus = read_annotations([path])
    (file,) = corpus.inputs
    assert dict(corpus.annotations.schema) == COLUMNS
    assert corpus.annotations.row(1) == (
        f"{file.sha256[:8]}-0000002",
        "artelingo_release.csv",
        2,
        "Impressionism",
        NFD,
        f"Impressionism/{NFD}",
        "بحر هادئ",
        "awe",
        1,
        "arabic",
        "train",
    )
    assert (file.input, file.name, file.bytes) == ("annotations", path.name, path.stat().st_size)
    assert corpus.images.is_empty()
    assert corpus.roots == {}
    assert dict(corpus.quarantine.schema) == dict(QUARANTINE_SCHEMA)


CAPTION = {"art_style": "Realism", "painting": "a_b", "emotion": "Other", "utterance": "dark"}

FORMS: list[tuple[str, dict[str, str], tuple[object, ...]]] = [
    ("artelingo_raw", {**CAPTION, "language": "chinese"}, ("Other", None, "chinese", None)),
    (
        "artelingo_raw",
        {**CAPTION, "language": "english", "split": "rest", "repetition": "5"},
        ("Other", None, "english", "rest"),
    ),
    ("artemis_v1", {**CAPTION, "repetition": "5"}, ("Other", None, "english", None)),
    (
        "artemis_preprocessed",
        {**CAPTION, "repetition": "5", "tokens": "[]", "emotion_label": "8", "split": "val"},
        ("Other", 8, "english", "val"),
    ),
    (
        "artemis_v2",
        {**CAPTION, "repetition": "5", "anchor_painting": "c_d", "version": "new"},
        ("Other", None, "english", None),
    ),
    (
        "artelingo_28",
        {
            "image_id": "7",
            "image_name": "x/a_b.jpg",
            "caption": "dark",
            "emotion": "Other",
            "language": "Swahili",
            "art_style": "Realism",
            "painting": "a_b",
        },
        ("Other", None, "Swahili", None),
    ),
    (
        "artelingo_hub",
        {
            "art_style": "Realism",
            "painting": "a_b",
            "emotion": "Other",
            "language": "english",
            "text": "dark",
            "split": "test",
        },
        ("Other", None, "english", "test"),
    ),
]


@pytest.mark.parametrize(("form", "row", "expected"), FORMS)
@pytest.mark.parametrize("container", ["csv", "parquet"])
def test_each_form_is_known_by_its_columns(
    tmp_path: Path, form: str, row: dict[str, str], expected: tuple[object, ...], container: str
) -> None:
    path = tmp_path / f"any-name.{container}"
    if container == "csv":
        write_csv(path, [*reversed(row)], [row])
    else:
        pl.DataFrame([row]).write_parquet(path)
    corpus = read_annotations([path])
    assert form_of(corpus) == form
    assert values(corpus, "image_key", "text") == [("Realism/a_b", "dark")]
    assert values(corpus, "emotion", "emotion_id", "language", "split_official") == [expected]


@pytest.mark.parametrize("column", ["language_label", "image_file", "grounding_emotion"])
def test_a_release_that_lost_its_languages_is_not_taken_for_english(
    tmp_path: Path, column: str
) -> None:
    row = {**CAPTION, "emotion_label": "8", "split": "train", column: "1"}
    path = write_csv(tmp_path / "release.csv", [*row], [row])
    with pytest.raises(DataError, match="which also needs: language"):
        read_annotations([path])


@pytest.mark.parametrize(
    ("picture", "key"),
    [
        ("Realism/a_b(2).jpg", "Realism/a_b(2)"),
        ("data/wikiart/Realism/a.-c_b.JPEG", "Realism/a.-c_b"),
        ("Realism/a_b", "Realism/a_b"),
    ],
)
def test_a_row_that_names_no_painting_takes_it_from_the_picture(
    tmp_path: Path, picture: str, key: str
) -> None:
    row = {**FORMS[-2][1], "painting": "", "image_name": picture}
    named = {**FORMS[-2][1], "image_name": picture}
    path = write_csv(tmp_path / "multilingual_test_metadata.csv", [*row], [row, named])
    assert values(read_annotations([path]), "image_key") == [(key,), ("Realism/a_b",)]


def test_a_row_without_a_painting_or_with_a_broken_number_is_set_aside(tmp_path: Path) -> None:
    rows = [
        release_row(),
        release_row(painting=""),
        release_row(emotion_label="1.0"),
        release_row(emotion_label="one"),
        release_row(emotion_label=""),
        release_row(emotion_label="99999999999999999999"),
        release_row(utterance=""),
    ]
    corpus = read_annotations([write_csv(tmp_path / "a.csv", RELEASE, rows)])
    assert values(corpus, "row", "emotion_id") == [(1, 1), (3, 1), (5, None), (7, 1)]
    left_out = corpus.quarantine.select("row", "reason", "table", "step", "source", "by_design")
    assert left_out.rows() == [
        (2, "no_painting", "annotations", "read", "a.csv", False),
        (4, "bad_label_id", "annotations", "read", "a.csv", False),
        (6, "bad_label_id", "annotations", "read", "a.csv", False),
    ]
    assert corpus.quarantine["detail"][1] == "row 4 has one as emotion_label, no whole number"
    ids = [*corpus.annotations["id"], *corpus.quarantine["id"]]
    assert len(set(ids)) == len(rows)


def test_findings_balance_and_survive_json(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [*RELEASE, "note"], [release_row(note="x")] * 3)
    path.write_bytes(path.read_bytes() + b"broken,row\n\n")
    found = json.loads(json.dumps(read_annotations([path]).findings["annotations"]["files"]))
    assert found == [
        {
            "name": "a.csv",
            "form": "artelingo_release",
            "title": "the ArtELingo release",
            "rows": 4,
            "kept": 3,
            "quarantined": 1,
            "extra_columns": ["note"],
            "blank_lines": 1,
            "recovered": True,
        }
    ]


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    write_csv(tmp_path / "b.csv", RELEASE, [release_row(utterance="b")])
    write_csv(tmp_path / "a" / "z.csv", RELEASE, [release_row(utterance="z")])
    write_csv(tmp_path / ".hidden.csv", RELEASE, [release_row(utterance="hidden")])
    (tmp_path / "readme.txt").write_text("not ours")
    corpus = read_annotations([tmp_path], input_name="captions")
    assert values(corpus, "text", "source") == [("z", "z.csv"), ("b", "b.csv")]
    assert [(file.input, file.name) for file in corpus.inputs] == [
        ("captions", "a/z.csv"),
        ("captions", "b.csv"),
    ]


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    lacking = write_csv(tmp_path / "lacking.csv", [c for c in RELEASE if c != "utterance"], [{}])
    foreign = write_csv(tmp_path / "foreign.csv", ["x", "y"], [{}])
    challenge = write_csv(
        tmp_path / "challenge.csv", ["id", "art_style", "painting", "utterance"], [{}]
    )
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow.csv").write_bytes(b"")
    with pytest.raises(DataError) as refused:
        read_annotations(
            [
                lacking,
                foreign,
                challenge,
                tmp_path / "empty",
                tmp_path / "hollow.csv",
                tmp_path / "absent.csv",
            ]
        )
    told = [problem.removeprefix(f"{tmp_path}/") for problem in refused.value.problems]
    assert len(told) == 6
    assert told[0] == (
        "lacking.csv: its columns come nearest to the ArtELingo release, "
        "which also needs: utterance."
    )
    assert told[1].startswith("foreign.csv: its columns are of no known form")
    assert "no emotions to learn from" in told[2]
    assert told[3] == "empty: the folder holds no CSV and no Parquet file."
    assert told[4] == "hollow.csv: the file is empty."
    assert told[5] == "absent.csv: no such file or folder."


def test_the_same_content_twice_is_refused(tmp_path: Path) -> None:
    first = write_csv(tmp_path / "a.csv", RELEASE, [release_row()])
    second = write_csv(tmp_path / "b.csv", RELEASE, [release_row()])
    for paths in ([first, second], [first, first]):
        with pytest.raises(DataError, match="give only one of them"):
            read_annotations(paths)


def hub_table(emotions: pa.Array, languages: pa.Array) -> pa.Table:
    paintings = ["a_b", unicodedata.normalize("NFD", "é_x"), "a_b", "é_x"]
    return pa.table(
        {
            "image": [{"bytes": b"jpeg %d" % n, "path": f"{n}.jpg"} for n in range(4)],
            "art_style": ["Realism"] * 4,
            "painting": paintings,
            "emotion": emotions,
            "language": languages,
            "text": ["one", "two", "three", "four"],
            "split": ["train"] * 4,
        }
    )


def class_label(names: Sequence[str]) -> dict[str, object]:
    return {"names": names, "_type": "ClassLabel"}


def test_the_hubs_parquet_points_to_the_first_picture_of_each_painting(tmp_path: Path) -> None:
    features = {"emotion": class_label(["fear", "awe"]), "language": class_label(["chinese"])}
    table = hub_table(pa.array([1, 0, None, 7]), pa.array([0, 0, 0, 0]))
    path = tmp_path / "data" / "train-00000-of-00001.parquet"
    path.parent.mkdir()
    pq.write_table(
        table.replace_schema_metadata(
            {"huggingface": json.dumps({"info": {"features": features}})}
        ),
        path,
    )
    corpus = read_annotations([tmp_path], input_name="captions")
    assert values(corpus, "row", "emotion", "emotion_id", "language") == [
        (1, "awe", None, "chinese"),
        (2, "fear", None, "chinese"),
        (3, "", None, "chinese"),
    ]
    assert corpus.quarantine.select("row", "reason", "detail").rows() == [
        (4, "bad_label_id", "emotion is 7, which has no name")
    ]
    assert corpus.images.select("id", "artist", "location", "member", "root", "source").rows() == [
        ("Realism/a_b", "a", path.name, "0", "captions", path.name),
        ("Realism/é_x", "é", path.name, "1", "captions", path.name),
    ]
    assert corpus.roots == {"captions": path.parent}
    place = corpus.images.row(1, named=True)
    stored = pq.read_table(corpus.roots[place["root"]] / place["location"])["image"]
    assert stored[int(place["member"])].as_py()["bytes"] == b"jpeg 1"


def test_parquet_from_datasets_itself_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            **{name: datasets.Value("string") for name in ("art_style", "painting", "text")},
            "emotion": datasets.ClassLabel(names=["awe", "something else"]),
            "language": datasets.Value("large_string"),
        }
    )
    rows = {
        "art_style": ["Realism"],
        "painting": ["a_b"],
        "text": ["x"],
        "emotion": [1],
        "language": ["arabic"],
    }
    path = tmp_path / "train.parquet"
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    corpus = read_annotations([path])
    assert values(corpus, "emotion", "language") == [("something else", "arabic")]


def test_numbers_without_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    pq.write_table(hub_table(pa.array([1, 0, 0, 1]), pa.array(["english"] * 4)), path)
    with pytest.raises(DataError, match="the column emotion holds numbers"):
        read_annotations([path])


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "no rows"])
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "train.parquet"
    table = hub_table(pa.array(["awe"] * 4), pa.array(["english"] * 4))
    pq.write_table(table.slice(0, 0) if damage == "no rows" else table, path)
    content = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "overwritten":
        path.write_bytes(
            content[:4] + b"\xff" * (len(content) // 2) + content[len(content) // 2 + 4 :]
        )
    with pytest.raises(DataError, match=r"truncated or corrupt|columns and no rows"):
        read_annotations([path])


def test_the_real_excerpt_is_read_whole() -> None:
    folder = os.environ.get("ARTCURATE_REAL_DATA")
    if not folder:
        pytest.skip("ARTCURATE_REAL_DATA is unset: no real excerpts here")
    corpus = read_annotations([Path(folder) / "artelingo" / "artelingo_release.csv"])
    assert form_of(corpus) == "artelingo_release"
    assert corpus.annotations.height == 48
    assert corpus.quarantine.is_empty()
    assert corpus.annotations["image_key"].n_unique() == 3
    languages = dict(corpus.annotations.group_by("language").len().iter_rows())
    assert set(languages) == {"english", "arabic", "chinese"}
    assert corpus.annotations["split_official"].unique().to_list() == ["train"]

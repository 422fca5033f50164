"""What the licence gate lets through, told by hand from what the licences say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from artcurate.errors import DataError, UsageError
from artcurate.hub.catalogue import Permission, Redistribution, Source, source, sources
from artcurate.hub.gate import (
    Kind,
    Ruling,
    Verdict,
    dataset_sources,
    held_by,
    judge,
    require,
)
from artcurate.package.lock import Lock, LockedInput
from artcurate.schema.load import load_schema, parse_schema

YES, NO, ASK = Permission.YES, Permission.NO, Permission.WITH_PERMISSION
HELD = {Kind.TEXT: ["a.text"], Kind.PIXELS: ["a.image"], Kind.DERIVATIVES: ["a.emotion"]}


def made_of(text: Permission, pixels: Permission, **other: object) -> Source:
    terms = Redistribution(text=text, pixels=pixels, derivatives=YES, basis="Its terms.")
    return source("artelingo").model_copy(update={"redistribute": terms, "gated": False, **other})


def refused(verdict: Verdict) -> set[Kind]:
    return {one.kind for one in verdict.refusals}


@pytest.mark.parametrize(
    ("text", "pixels", "public", "permitted", "expected"),
    [
        (YES, YES, True, (), set()),
        (YES, ASK, False, (), set()),
        (YES, ASK, True, (), {Kind.PIXELS}),
        (YES, ASK, True, ("artelingo",), set()),
        (NO, ASK, False, (), {Kind.TEXT}),
        (NO, NO, True, ("artelingo",), {Kind.TEXT, Kind.PIXELS}),
    ],
)
def test_a_permission_decides_with_who_will_see_it(
    text: Permission,
    pixels: Permission,
    public: bool,
    permitted: tuple[str, ...],
    expected: set[Kind],
) -> None:
    verdict = judge([made_of(text, pixels)], HELD, public=public, permitted=permitted)

    assert refused(verdict) == expected


def test_the_strictest_source_decides() -> None:
    open_, closed = made_of(YES, YES), made_of(NO, YES, name="closed")
    verdict = judge([open_, closed], HELD, public=False)

    assert [(one.source.name, one.kind) for one in verdict.refusals] == [("closed", Kind.TEXT)]


def test_what_is_not_there_needs_no_licence() -> None:
    closed = made_of(NO, NO)

    assert not judge([closed], {Kind.DERIVATIVES: ["a.emotion"]}, public=True).refusals


def test_the_same_sentences_stand_under_the_same_permission_whichever_corpus_brings_them() -> None:
    captions = [source("artelingo"), source("artelingo-28"), source("artemis")]
    held = {Kind.TEXT: ["annotations.text"], Kind.DERIVATIVES: ["annotations.emotion"]}

    for one in captions:
        public = judge([one], held, public=True)
        assert (refused(public), public.gated) == ({Kind.TEXT}, True), one.name
        (text, _) = judge([one], held, public=False).findings
        assert text.ruling is Ruling.WHILE_PRIVATE
    with pytest.raises(UsageError, match="the English ones are those of ArtEmis") as caught:
        require(
            judge(captions[:1], held, public=True), public=True, schema=load_schema("artelingo")
        )
    assert "leave --public out" in str(caught.value)
    assert "--permitted artelingo" in str(caught.value)


def test_a_permission_is_on_the_users_word_and_for_a_source_of_the_dataset() -> None:
    verdict = judge([made_of(ASK, YES)], HELD, public=True, permitted=["artelingo"])

    assert Ruling.ON_YOUR_WORD in {one.ruling for one in verdict.findings}
    with pytest.raises(UsageError, match="did you mean 'artelingo'"):
        judge([made_of(ASK, YES)], HELD, public=True, permitted=["artelinga"])


@pytest.mark.parametrize(
    ("update", "held", "gated", "faces"),
    [
        ({"faces": True}, HELD, True, True),
        ({"gated": True}, HELD, True, False),
        ({}, HELD, False, False),
        ({"faces": True}, {Kind.TEXT: ["a.text"]}, False, False),
        ({"faces": True, "gated": True}, {Kind.DERIVATIVES: ["a.emotion"]}, False, False),
    ],
)
def test_faces_and_sources_behind_a_form_are_gated_where_they_are_shown(
    update: dict[str, object], held: dict[Kind, list[str]], gated: bool, faces: bool
) -> None:
    verdict = judge([made_of(YES, YES, **update)], held, public=False)

    assert (verdict.gated, verdict.faces) == (gated, faces)


def test_columns_are_of_the_kind_that_the_schema_says() -> None:
    schema = load_schema("korean")
    held = held_by(schema, {"pairs": ["image", "id", "text", "emotion", "person", "boxes"]})

    assert held[Kind.PIXELS] == ["pairs.image"]
    assert held[Kind.TEXT] == ["pairs.text"]
    assert held[Kind.DERIVATIVES][0] == "pairs.emotion"
    assert "pairs.boxes.left" in held[Kind.DERIVATIVES]
    assert not {"pairs.id", "pairs.person"} & {one for found in held.values() for one in found}


@pytest.mark.parametrize("name", ["artelingo", "korean"])
def test_every_text_and_id_of_the_bundled_schemas_is_marked(name: str) -> None:
    schema = load_schema(name)
    present = {config.name: list(config.columns) for config in schema.configs}
    held = held_by(schema, present)
    ids = {config.key for config in schema.configs} | {
        column for config in schema.configs for column in config.groups
    }

    assert all(path.rpartition(".")[2] == "text" for path in held[Kind.TEXT])
    assert not {path.rpartition(".")[2] for path in held[Kind.DERIVATIVES]} & {"text", *ids}


READERS = {"annotations": "artelingo", "images": "wikiart", "unused": "cid"}


def locked(*roles: str) -> Lock:
    inputs = tuple(LockedInput(role, "file", 1, 1, "0" * 64) for role in roles)
    return Lock("p", "f", "s", "d", inputs, {}, {}, ())


def test_annotations_name_their_corpora_by_the_form_of_their_files(tmp_path: Path) -> None:
    files = [
        {"name": "a.csv", "form": "artelingo_release"},
        {"name": "b.csv", "form": "artemis_v1"},
    ]
    found = {"annotations": {"files": files}, "images": {"files": 39}}
    (tmp_path / "findings.json").write_text(json.dumps(found), encoding="utf-8")
    lock = locked("annotations", "images", "near_duplicates.known_duplicates")

    named = [one.name for one in dataset_sources(tmp_path, lock, READERS)]
    assert named == ["artelingo", "artemis", "wikiart"]


def test_where_nothing_tells_the_corpora_apart_all_of_them_count(tmp_path: Path) -> None:
    named = {one.name for one in dataset_sources(tmp_path, locked("annotations"), READERS)}

    assert {"artelingo", "artelingo-28", "artemis"} <= named


def test_a_dataset_of_unknown_making_passes_no_gate(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its terms are unknown"):
        dataset_sources(tmp_path, locked("mine"), {"mine": "my_own"})
    for lock in (locked(), locked("annotations", "more")):
        with pytest.raises(DataError, match="do not tell what it was made of"):
            dataset_sources(tmp_path, lock, READERS)


def test_a_refusal_says_why_and_what_can_be_done() -> None:
    schema = load_schema("artelingo")
    verdict = judge([made_of(YES, ASK), source("wikiart")], HELD, public=True)

    with pytest.raises(UsageError) as caught:
        require(verdict, public=True, schema=schema)

    said = str(caught.value)
    assert "wikiart does not let this be passed on: pixels (a.image)" in said
    for way in ("leave --public out", "--permitted", "--annotations-only", "--recipe"):
        assert way in said


def test_what_the_catalogue_closes_stays_closed() -> None:
    closed = [one for one in sources().values() if one.redistribute.text is Permission.NO]

    assert {one.name for one in closed} == {"ecc", "cid"}
    everything = [one.name for one in closed]
    verdict = judge(closed, HELD, public=False, permitted=everything)
    assert refused(verdict) == set(Kind)
    with pytest.raises(UsageError, match="add --recipe"):
        require(verdict, public=False, schema=load_schema("korean"))


def test_text_that_a_schema_says_nothing_of_is_a_sources_text() -> None:
    plain = {
        "id": {"type": "string", "material": "id", "description": "Id."},
        "quote": {"type": "string", "description": "Anything."},
        "kind": {"type": "string", "values": ["a", "b"], "description": "One of two."},
        "tags": {"type": "list", "items": {"type": "string"}, "description": "Words."},
        "votes": {"type": "list", "items": {"type": "int32"}, "description": "Counts."},
        "parts": {
            "type": "list",
            "description": "Pieces.",
            "items": {"type": "list", "items": {"type": "string"}},
        },
    }
    raw = {
        "name": "mine",
        "title": "Mine.",
        "description": "Mine.",
        "configs": [
            {
                "name": "rows",
                "default": True,
                "description": "Rows.",
                "rows": "annotations",
                "key": "id",
                "columns": plain,
            }
        ],
    }
    held = held_by(parse_schema(raw, "mine.yaml", {}), {"rows": list(plain)})

    assert held[Kind.TEXT] == ["rows.quote", "rows.tags", "rows.parts"]
    assert held[Kind.DERIVATIVES] == ["rows.kind", "rows.votes"]

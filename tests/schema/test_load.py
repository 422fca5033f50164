from __future__ import annotations

from collections.abc import Callable

import pytest

from artcurate.errors import DataError, UsageError
from artcurate.resources import parse_yaml
from artcurate.schema.load import load_schema, parse_schema, schema_digest
from artcurate.schema.model import Schema

SETS = {"moods": ("joy", "grief", "calm")}


def complaints(text: str) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        parse_schema(parse_yaml(text, "f.yaml"), "f.yaml", SETS)
    return caught.value.problems


def test_artelingo_has_its_two_configs() -> None:
    schema = load_schema("artelingo")
    assert [config.name for config in schema.configs] == ["paintings", "annotations"]
    assert schema.default.folder == "data"
    assert schema.config("annotations").folder == "annotations"
    assert next(iter(schema.default.columns)) == "image"


def test_artelingo_labels_stand_in_the_official_order() -> None:
    labels = dict(load_schema("artelingo").default.labels())
    assert labels["captions.emotion"].labels.labels == (
        "amusement",
        "awe",
        "contentment",
        "excitement",
        "anger",
        "disgust",
        "fear",
        "sadness",
        "something else",
    )


def test_every_wrong_place_is_named_at_once_with_the_nearest_word(schema_text: str) -> None:
    wrong = (
        schema_text.replace("minimum: 1, maximum", "mininum: 1, maximum")
        .replace("type: bool, description: Two", "type: boole, description: Two")
        .replace("rows: images", "rows: image")
        .replace("labels: moods, from", "labels: mood, from")
        .replace("title: A small dataset\n", "")
    )
    assert set(complaints(wrong)) == {
        "f.yaml: title is missing.",
        "f.yaml: config 'pictures': rows: no such value 'image' (did you mean 'images'?).",
        "f.yaml: config 'pictures', column 'width': unknown key 'mininum' "
        "(did you mean 'minimum'?).",
        "f.yaml: config 'pictures', column 'tie': unknown type 'boole' (did you mean 'bool'?).",
        "f.yaml: config 'pictures', column 'mood': labels: no label set 'mood' "
        "(did you mean 'moods'?).",
    }


def test_a_nested_column_is_named_by_its_path(schema_text: str) -> None:
    wrong = schema_text.replace("length: 3,", "lenght: 3,")
    assert complaints(wrong) == (
        "f.yaml: config 'pictures', column 'votes[].counts': unknown key 'lenght' "
        "(did you mean 'length'?).",
    )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda text: text.replace(
                "key: id\n    groups: [id, twin]", "key: ide\n    groups: []"
            ),
            "f.yaml: config 'pictures': key: no column 'ide' (did you mean 'id'?).",
        ),
        (
            lambda text: text.replace("[id, twin]", "[captions]"),
            "f.yaml: config 'pictures': groups: column 'captions' is not a plain value.",
        ),
        (
            lambda text: text.replace("pictures.id}", "pictures.ids}"),
            "f.yaml: config 'captions': references: no column 'pictures.ids' "
            "(did you mean 'pictures.id'?).",
        ),
        (
            lambda text: text.replace("    default: true\n", ""),
            "f.yaml: exactly one config has `default: true`.",
        ),
        (
            lambda text: text.replace("name: captions", "name: pictures"),
            "f.yaml: config 'pictures' stands twice.",
        ),
        (
            lambda text: text.replace("minimum: 1, maximum: 100", "minimum: 100, maximum: 1"),
            "f.yaml: config 'pictures', column 'width': the minimum is above the maximum.",
        ),
        (
            lambda text: text.replace("      tie:", "      split:"),
            "f.yaml: config 'pictures', column 'split': the name is taken by the build's own "
            "columns.",
        ),
        (
            lambda text: text.replace("^[a-z]+$", "(?=a)"),
            "f.yaml: config 'pictures', column 'id': pattern uses look-around or a "
            "back-reference, which RE2 has not.",
        ),
        (
            lambda text: text.replace(", description: Two moods lead.", ""),
            "f.yaml: config 'pictures', column 'tie': description is missing.",
        ),
        (
            lambda text: text.replace("    parent: {table: images, by: picture}\n", ""),
            "f.yaml: config 'captions', column 'width': the config names no parent.",
        ),
        (
            lambda text: text.replace(
                "    key: id\n    groups: [id", "    key: twin\n    groups: [id"
            ),
            "f.yaml: config 'pictures', column 'twin': a key is neither nullable nor optional.",
        ),
        (
            lambda text: text.replace("labels: moods, from", "labels: [joy, joy], from"),
            "f.yaml: config 'pictures', column 'mood': labels are one or more different names.",
        ),
    ],
)
def test_a_schema_that_contradicts_itself(
    schema_text: str, change: Callable[[str], str], complaint: str
) -> None:
    assert complaint in complaints(change(schema_text))


@pytest.mark.parametrize("text", ["", "[]", "x", "configs: 3", "configs: [3]", "configs: []"])
def test_what_is_no_schema_at_all(text: str) -> None:
    assert all(problem.startswith("f.yaml: ") for problem in complaints(text))


def test_labels_may_stand_in_the_schema_itself(schema_text: str) -> None:
    text = schema_text.replace("labels: moods", "labels: [up, down]")
    schema = parse_schema(parse_yaml(text, "f"), "f", {})
    assert dict(schema.default.labels())["mood"].labels.labels == ("up", "down")


def test_unknown_names_of_schemas_and_configs(schema: Schema) -> None:
    with pytest.raises(UsageError, match="did you mean 'artelingo'"):
        load_schema("artelinga")
    with pytest.raises(UsageError, match="did you mean 'pictures'"):
        schema.config("picture")


def test_the_digest_follows_the_order_of_columns(schema: Schema, schema_text: str) -> None:
    again = parse_schema(parse_yaml(schema_text, "elsewhere"), "elsewhere", SETS)
    assert schema_digest(again) == schema_digest(schema)
    relabelled = parse_schema(
        parse_yaml(schema_text, "f"), "f", {"moods": ("grief", "joy", "calm")}
    )
    assert schema_digest(relabelled) != schema_digest(schema)

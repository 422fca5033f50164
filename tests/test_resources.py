from __future__ import annotations

from pathlib import Path

import pytest

from artcurate import resources
from artcurate.errors import DataError, UsageError


def test_the_bundled_schema_is_found_by_its_name() -> None:
    assert "artelingo" in resources.names("schemas")
    assert resources.schema_path("artelingo").is_file()
    assert resources.title("schemas", "artelingo")


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'artelingo'"):
        resources.schema_path("artlingo")


@pytest.mark.parametrize("name", ["../pyproject", "/etc/passwd", ""])
def test_a_name_is_never_a_path(name: str) -> None:
    with pytest.raises(UsageError):
        resources.schema_path(name)


def test_a_wheel_keeps_the_files_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "artcurate"
    (installed / "_bundled" / "schemas").mkdir(parents=True)
    (installed / "_bundled" / "schemas" / "mine.yaml").write_text("title: Mine\n")
    monkeypatch.setattr(resources, "__file__", str(installed / "resources.py"))
    assert resources.names("schemas") == ("mine",)
    assert resources.title("schemas", "mine") == "Mine"


def test_words_without_a_likeness_list_what_is_known() -> None:
    assert resources.nearest("zzz", ["b", "a"]) == "'zzz' (known: a, b)."


def test_merge_keys_work_and_may_be_overridden() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b, y: 4}\n"
    assert resources.parse_yaml(text, "f")["c"] == {"x": 3, "y": 4}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", "f, line 3: not valid YAML (the key 'a' stands twice)."),
        ("a: &a [*a]\n", "f: not valid YAML (an alias stands inside its own anchor)."),
        ("[" * 100_000, "f: not valid YAML (nested too deeply)."),
        ("a: 2020-99-99\n", "f: not valid YAML (month must be in 1..12"),
        ("a: \x00\n", "f: not valid YAML (unacceptable character"),
        ("!!python/object/apply:os.system [echo]\n", "could not determine a constructor"),
        ("? [a]\n: 1\n", "f, line 1: not valid YAML (found unhashable key)."),
    ],
)
def test_bad_yaml_is_one_sentence_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(DataError) as caught:
        resources.parse_yaml(text, "f")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_aliases_cannot_swell_a_small_file() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(DataError, match="too many values"):
        resources.parse_yaml("\n".join(lines), "f")


def test_files_that_cannot_be_yaml(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        resources.read_yaml(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(DataError, match="cannot be read"):
        resources.read_yaml(tmp_path / "latin.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (resources.MAX_YAML_BYTES + 1))
    with pytest.raises(DataError, match="too large"):
        resources.read_yaml(tmp_path / "huge.yaml")
    with pytest.raises(DataError, match="cannot be read"):
        resources.read_yaml(tmp_path)

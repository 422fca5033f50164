from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from artcurate.cli import app
from artcurate.hub.catalogue import sources


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path))
    return tmp_path


def told(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["sources", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_every_corpus_with_its_terms_and_what_is_here(home: Path) -> None:
    (home / "artelingo").mkdir()
    (home / "artelingo" / "artelingo_release.csv").write_text("x\n")
    text = told()
    for known in sources().values():
        assert known.title in text
        assert known.licence.name in text
    assert "25.4 GB" in text
    assert "836.0 GB" in text
    assert text.count("here, put there by hand") == 1
    assert text.count("not here") == len(sources()) - 1
    assert str(home) in text


def test_one_corpus_in_full(home: Path) -> None:
    text = told("cid")
    assert "passing on: text no, pictures no, derivatives no" in text
    assert "faces of living persons" in text
    assert "aihub: 49 files, 836 GB" in text
    assert "please cite" in text


def test_a_corpus_in_another_folder_is_found_while_it_is_there(
    home: Path, sample: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("disk") / "captions"
    given = sample / "artelingo_release.csv"
    wanted = ["download", "artelingo", "--from", str(given), "--to", str(other)]
    for _ in range(2):
        done = CliRunner().invoke(app, [*wanted, "--accept-licence"], catch_exceptions=False)
        assert done.exit_code == 0, done.output

    assert told("artelingo").count(f"in {other} since") == 1
    assert json.loads(told("artelingo", "--json"))["here"]["elsewhere"] == [str(other)]
    shutil.rmtree(other)
    assert "not here" in told("artelingo")


def test_for_machines(home: Path) -> None:
    entries = [json.loads(line) for line in told("--json").splitlines()]
    assert [entry["name"] for entry in entries] == list(sources())
    assert entries[0]["here"] == {
        "found": [],
        "finished": None,
        "unfinished_bytes": 0,
        "elsewhere": [],
    }
    assert entries[0]["redistribute"]["pixels"] == "with-permission"

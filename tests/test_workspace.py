from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from artcurate.errors import UsageError
from artcurate.workspace import LOCK_FILE, check_output, open_workspace


def finished(folder: Path) -> Path:
    folder.mkdir()
    (folder / LOCK_FILE).write_text("{}")
    return folder


def test_output_appears_at_once_and_the_workspace_goes(tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    with open_workspace(out) as workspace:
        (workspace.dataset / "card").write_text("new")
        assert not out.exists()
        workspace.publish()

    assert (out / "card").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_interrupted_work_is_found_again(tmp_path: Path) -> None:
    out = tmp_path / "dataset"

    def interrupted() -> None:
        with open_workspace(out) as workspace:
            (workspace.scratch / "part").write_text("kept")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not out.exists()
    with open_workspace(out) as workspace:
        assert (workspace.scratch / "part").read_text() == "kept"


def test_a_workspace_in_which_nothing_was_finished_goes_after_an_error(tmp_path: Path) -> None:
    def failing() -> None:
        with open_workspace(tmp_path / "dataset") as workspace:
            (workspace.dataset / "data").mkdir()
            (workspace.root / "events.jsonl").write_text("{}")
            raise UsageError("wrong input")

    with pytest.raises(UsageError, match="wrong input"):
        failing()
    assert not list(tmp_path.iterdir())


def test_replacing_an_earlier_dataset(tmp_path: Path) -> None:
    out = finished(tmp_path / "dataset")
    (out / "old").write_text("old")
    with open_workspace(out) as workspace:
        (workspace.dataset / "new").write_text("new")
        workspace.publish()

    assert [path.name for path in out.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_what_no_build_made_is_never_removed(tmp_path: Path) -> None:
    out = finished(tmp_path / "dataset")
    (out / "data").mkdir()
    (out / "data" / "train-00000-of-00001.parquet").write_text("x")
    check_output(out, overwrite=True)
    (out / "data" / "notes.md").write_text("mine")
    with pytest.raises(UsageError, match="also holds data"):
        check_output(out, overwrite=True)
    (out / "data" / "notes.md").rename(out / "notes.md")
    with pytest.raises(UsageError, match=r"also holds notes\.md, which no build made"):
        check_output(out, overwrite=True)


def test_an_output_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter.tex").write_text("years of work")
    file = tmp_path / "file"
    file.write_text("x")
    empty = tmp_path / "empty"
    empty.mkdir()
    dataset = finished(tmp_path / "dataset")

    with pytest.raises(UsageError, match="did not build"):
        check_output(thesis, overwrite=True)
    with pytest.raises(UsageError, match="is a file"):
        check_output(file, overwrite=True)
    with pytest.raises(UsageError, match="--overwrite"):
        check_output(dataset, overwrite=False)
    check_output(dataset, overwrite=True)
    check_output(empty, overwrite=False)
    check_output(tmp_path / "absent", overwrite=False)


def test_two_builds_of_one_output_do_not_meet(tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    other = (
        "import sys; from pathlib import Path; from artcurate.workspace import open_workspace\n"
        "with open_workspace(Path(sys.argv[1])): pass"
    )
    with open_workspace(out):
        second = subprocess.run(
            [sys.executable, "-c", other, str(out)], capture_output=True, text=True, check=False
        )
    assert second.returncode == 1
    assert "another build" in second.stderr

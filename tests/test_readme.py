"""Every command that the README shows runs, in the order in which it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "hub"))
from hub_server import HubServer  # noqa: E402

#: Commands about the checkout itself: `make test` is what runs this test.
OF_THE_CHECKOUT = ("git clone", "cd artcurate", "make test", "make lint", "pip install")


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [line.removeprefix("$ ") for line in joined.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A data home of its own, and a server that speaks the Hub's protocol in the Hub's place."""
    home = tmp_path_factory.mktemp("home")
    with HubServer().running() as hub:
        yield {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ARTCURATE_HOME": str(home),
            "HF_HOME": str(home / "hf"),
            **hub.environment(),
        }


@pytest.mark.long
def test_every_command_and_program_of_the_readme_runs(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    shown = [command for command in commands() if not command.startswith(OF_THE_CHECKOUT)]
    assert len(shown) >= 8
    for command in shown:
        folder = ROOT if command.startswith("make") else tmp_path
        if command.startswith("make demo"):
            command += f" VENV={sys.prefix} DEMO={tmp_path / 'demo'} PREPARED=yes"
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}"
    for program in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program}\n{done.stdout}\n{done.stderr}"

"""Servers on the loopback interface, and no waiting between attempts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from artcurate.remote import files

sys.path.insert(0, str(Path(__file__).parent))
from web_server import WebServer, serving


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "RETRY", replace(files.RETRY, first=0.001, longest=0.01))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    """A server of the folder `served` of the test."""
    folder = tmp_path / "served"
    folder.mkdir()
    with serving(folder) as server:
        yield server

"""`findings.json`: what the steps of a build learned, as figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artcurate.errors import DataError
from artcurate.files import write_text

FILE_NAME = "findings.json"


def write_findings(folder: Path, findings: Mapping[str, Any]) -> None:
    """Write the findings, steps in the order they ran. Raises DataError when that fails."""
    write_text(folder / FILE_NAME, json.dumps(findings, indent=2, ensure_ascii=False) + "\n")


def read_findings(folder: Path) -> dict[str, Any]:
    """The findings of the dataset in `folder`, by step; empty where it has none.

    Raises DataError when the file is not JSON.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as findings ({error}).") from None
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.values()):
        raise DataError(f"{path}: not an object with one entry per step.")
    return content

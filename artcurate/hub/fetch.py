"""What tells how a dataset was made, from a folder or from a repository on the Hub."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from artcurate.errors import UsageError
from artcurate.hub.contents import RECIPE_FOLDER
from artcurate.hub.remote import Remote
from artcurate.package import lock, pictures
from artcurate.package.summary import QUARANTINE_FILE
from artcurate.package.validate import PIPELINE_FILE, SCHEMA_FILE

_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_TABLE = re.compile(rf"{RECIPE_FOLDER}/\w[\w-]*/\w[\w.-]*\.parquet")
_NEEDED = (lock.FILE_NAME, PIPELINE_FILE)
_USEFUL = (pictures.FILE_NAME, QUARANTINE_FILE, SCHEMA_FILE)


@contextmanager
def provenance(
    source: str, *, revision: str = "main", endpoint: str | None = None, token: str | None = None
) -> Iterator[Path]:
    """A folder with the lock, the pipeline and what else of `source` a rebuild looks at.

    source: a built dataset or a recipe: a folder, or a repository on the Hub. Of a repository only
        these files are fetched, into a folder that goes with the block.

    Raises:
        UsageError: there is no such folder or repository, or artcurate did not make it.
        HubError: the Hub refuses or cannot be reached.
    """
    if Path(source).is_dir():
        _require(source, {path.name for path in Path(source).iterdir()})
        yield Path(source)
        return
    if not _REPO.fullmatch(source):
        raise UsageError(f"{source}: no such folder, and no repository either (USER/NAME).")
    remote = Remote(source, endpoint=endpoint, token=token)
    state = remote.state(revision)
    if state is None:
        raise UsageError(
            f"{source}: no such folder, and the Hub shows you no such dataset; if it is private, "
            "log in with `hf auth login` or set HF_TOKEN."
        )
    _require(source, set(state.files))
    with tempfile.TemporaryDirectory(prefix="artcurate-") as folder:
        for name in state.files:
            if name in (*_NEEDED, *_USEFUL) or _TABLE.fullmatch(name):
                remote.fetch(name, state.head, Path(folder))
        yield Path(folder)


def _require(source: str, names: set[str]) -> None:
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise UsageError(
            f"{source} holds no {' and no '.join(missing)}; give a dataset or a recipe that "
            "artcurate has made."
        )

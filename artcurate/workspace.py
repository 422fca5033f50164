"""The folder a build works in, beside its output, so that the output appears whole or not at all.

Layout: `.<out>.building/dataset` becomes the output by one rename; `.<out>.building/scratch` keeps
what an interrupted build had finished; `.<out>.building/lock` keeps a second build away.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from artcurate.errors import DataError, UsageError
from artcurate.files import sync_folder

LOCK_FILE = "artcurate.lock"
#: What a build and a benchmark put beside the folders of shards.
_OURS = frozenset(
    (
        *("README.md", LOCK_FILE, "croissant.json", "pipeline.yaml", "schema.yaml", "split.json"),
        *("quarantine.parquet", "pictures.parquet", "findings.json"),
        *("scores.json", "eval.yaml", "predictions", "figures"),
    )
)


@dataclass(frozen=True, slots=True)
class Workspace:
    """An output folder in the making."""

    out: Path

    @property
    def root(self) -> Path:
        return self.out.parent / f".{self.out.name}.building"

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    def holds_files(self) -> bool:
        """Whether anything is finished, or begun, that a next run may use."""
        places = (self.dataset, self.scratch)
        return any(path.is_file() for place in places for path in place.rglob("*"))

    def publish(self) -> None:
        """Put the finished dataset in the output's place; an earlier dataset there goes."""
        replaced = self.root / "replaced"
        if self.out.exists():
            self.out.rename(replaced)
        self.dataset.rename(self.out)
        sync_folder(self.out.parent)
        shutil.rmtree(self.root)


def output_path(out: Path) -> Path:
    """`out` with its links followed. Raises UsageError where the links run in a circle."""
    try:
        return out.resolve()
    except (OSError, RuntimeError):
        raise UsageError(f"{out}: its links lead nowhere; give another --out.") from None


def check_output(out: Path, *, overwrite: bool) -> None:
    """Refuse an output that holds something which is not ours to replace.

    Raises UsageError when `out` is a file, a folder with other content, a built dataset without
    `overwrite`, or one beside which something else lies.
    """
    if not out.exists():
        return
    if out.is_mount():
        raise UsageError(f"{out} is where a disk is mounted; give --out a folder inside it.")
    if not out.is_dir():
        raise UsageError(f"{out} is a file; give --out a folder that does not exist yet.")
    if not any(out.iterdir()):
        return
    if not (out / LOCK_FILE).is_file():
        raise UsageError(f"{out} holds something that artcurate did not build; give another --out.")
    if not overwrite:
        raise UsageError(
            f"{out} already holds a finished dataset; add --overwrite to replace it, "
            "or give another --out."
        )
    if strangers := sorted(path.name for path in out.iterdir() if not _is_ours(path)):
        raise UsageError(
            f"{out} also holds {', '.join(strangers[:3])}{', ...' if len(strangers) > 3 else ''}, "
            "which no build made; move it elsewhere, or give another --out."
        )


def _is_ours(path: Path) -> bool:
    """Whether a build made what lies at `path`, at the top of a built dataset."""
    if path.is_symlink() or not path.is_dir() or path.name in _OURS:
        return path.name in _OURS
    return all(file.suffix == ".parquet" and file.is_file() for file in path.iterdir())


@contextmanager
def open_workspace(out: Path) -> Iterator[Workspace]:
    """The workspace of `out`, made or taken up again, for this process alone.

    After an error it stays for the next run to go on from, unless nothing was finished in it.

    Raises:
        UsageError: another build of the same output is running.
        DataError: the folder cannot be made or written.
    """
    workspace = Workspace(out)
    try:
        workspace.dataset.mkdir(parents=True, exist_ok=True)
        workspace.scratch.mkdir(exist_ok=True)
        handle = os.open(workspace.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DataError(
            f"{out.parent}: cannot be written ({error.strerror}); give another --out."
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another build of {out} is running; wait for it or give another --out."
            ) from None
        # A build killed at its last moment leaves the dataset that it had replaced.
        shutil.rmtree(workspace.root / "replaced", ignore_errors=True)
        try:
            yield workspace
        finally:
            if not workspace.holds_files():
                shutil.rmtree(workspace.root, ignore_errors=True)
    finally:
        os.close(handle)

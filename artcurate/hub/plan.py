"""What a publication would change in a repository, before anything is changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, count
from typing import Any

from artcurate.errors import DataError, UsageError
from artcurate.hub.contents import SentFile, sent_bytes, stale
from artcurate.hub.gate import Verdict
from artcurate.hub.remote import Remote, RemoteState
from artcurate.hub.remote_card import merged
from artcurate.package.tables import Table
from artcurate.package.validate import CARD_FILE
from artcurate.schema.model import Schema

#: Commits of more files than this go through a pull request, in several.
MOST_FILES = 100
_READS_AT_A_TIME = 8
_VERDICT = ("source", "material", "verdict", "columns")
#: What git takes for a tag (git-check-ref-format) and an address for a part of itself.
_TAG = re.compile(r"(?![.-])(?!.*\.\.)(?!.*\.lock$)[\w.-]{1,100}(?<!\.)", re.ASCII)


class Fate(StrEnum):
    """What happens to a file."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file and what happens to it. stored: the Hub holds its bytes, so they are not sent."""

    file: SentFile
    fate: Fate
    stored: bool

    @property
    def bytes_to_send(self) -> int:
        """Bytes that go over the line."""
        return 0 if self.stored or self.fate is Fate.UNCHANGED else self.file.size


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole publication.

    before: the repository as it is; None where it is still to be made.
    stale: files of an earlier publication that go.
    tag: the name under which the commit is kept.
    verdict: what the licence gate says.
    """

    repo: str
    before: RemoteState | None
    files: tuple[PlannedFile, ...]
    stale: tuple[str, ...]
    tag: str
    public: bool
    verdict: Verdict

    @property
    def changes(self) -> tuple[PlannedFile, ...]:
        """The files that the commit touches."""
        return tuple(one for one in self.files if one.fate is not Fate.UNCHANGED)

    @property
    def empty(self) -> bool:
        """Whether the repository holds everything already."""
        return not self.changes and not self.stale

    @property
    def bytes_to_send(self) -> int:
        return sum(one.bytes_to_send for one in self.files)

    @property
    def in_parts(self) -> bool:
        """Whether it takes a pull request of several commits."""
        return len(self.changes) + len(self.stale) > MOST_FILES


def make_plan(
    remote: Remote,
    files: Sequence[SentFile],
    schema: Schema,
    *,
    version: str,
    tag: str | None,
    public: bool,
    verdict: Verdict,
) -> Plan:
    """Compare `files` with the repository as it stands. Nothing is changed there.

    version: what the tag is made of where no `tag` is given.

    Raises:
        HubError: the Hub refuses, or cannot be reached.
        DataError: the card there cannot be merged.
        UsageError: `tag` cannot be one, or names another commit already.
    """
    before = remote.state()
    files = [
        _with_merged_card(file, remote, before) if file.name == CARD_FILE else file
        for file in files
    ]
    fates = compare(files, remote, before)
    asked = {file.sha256: file.size for file in files if fates[file.name] is not Fate.UNCHANGED}
    stored = remote.stored(asked) if before and asked else frozenset()
    gone = stale(before.files if before else (), files, schema)
    changed = bool(asked or gone)
    return Plan(
        repo=remote.repo,
        before=before,
        files=tuple(PlannedFile(file, fates[file.name], file.sha256 in stored) for file in files),
        stale=gone,
        tag=_checked_tag(tag, before, changed)
        if tag is not None
        else _free_tag(version, before, changed),
        public=public,
        verdict=verdict,
    )


def compare(
    files: Sequence[SentFile], remote: Remote, there: RemoteState | None
) -> dict[str, Fate]:
    """What becomes of each file in a repository that stands as `there`, by name.

    Large files are compared by the sha256 in the tree, small ones by their bytes.
    """
    with ThreadPoolExecutor(_READS_AT_A_TIME) as pool:
        fates = list(pool.map(lambda file: _fate(file, remote, there), files))
    return dict(zip((file.name for file in files), fates, strict=True))


def _fate(file: SentFile, remote: Remote, there: RemoteState | None) -> Fate:
    known = there.files.get(file.name) if there else None
    if there is None or known is None:
        return Fate.NEW
    if known.size != file.size:
        return Fate.CHANGED
    sha256 = known.sha256 or hashlib.sha256(remote.read(file.name, there.head)).hexdigest()
    return Fate.UNCHANGED if sha256 == file.sha256 else Fate.CHANGED


def _with_merged_card(file: SentFile, remote: Remote, before: RemoteState | None) -> SentFile:
    where = f"{CARD_FILE} of {remote.repo}"
    theirs = None
    if before and CARD_FILE in before.files:
        try:
            theirs = remote.read(CARD_FILE, before.head).decode("utf-8")
        except UnicodeDecodeError:
            raise DataError(f"{where}: it is not UTF-8; mend it there.") from None
    return sent_bytes(CARD_FILE, merged(file.read().decode("utf-8"), theirs, where).encode())


def _checked_tag(tag: str, before: RemoteState | None, changed: bool) -> str:
    if not _TAG.fullmatch(tag):
        raise UsageError(
            f"--tag {tag}: write letters, digits, points, hyphens and underlines, such as v1.2."
        )
    named = before.tags.get(tag) if before else None
    if before and named and (changed or named != before.head):
        raise UsageError(f"--tag {tag}: the tag names another commit already; give another one.")
    return tag


def _free_tag(version: str, before: RemoteState | None, changed: bool) -> str:
    """`v` and the version, numbered where that names an earlier commit; the head's own, if any."""
    tags: Mapping[str, str] = before.tags if before else {}
    candidates = chain([f"v{version}"], (f"v{version}-{number}" for number in count(2)))
    head = before.head if before and not changed else None
    return next(name for name in candidates if name not in tags or tags[name] == head)


def tables(plan: Plan) -> tuple[Table, ...]:
    """The plan for a reader: the files with their fate and bytes, and the verdict."""
    files = tuple(
        (one.file.name, one.fate.value, one.file.size, one.bytes_to_send) for one in plan.files
    )
    gone = tuple((name, "deleted", None, None) for name in plan.stale)
    verdict = tuple(
        (one.source.name, one.kind.value, one.ruling.value, len(one.columns))
        for one in plan.verdict.findings
    )
    return (
        Table(f"{plan.repo}: files", ("file", "what happens", "bytes", "to send"), files + gone),
        *([Table("licence gate", _VERDICT, verdict)] if verdict else []),
    )


def lines(plan: Plan) -> Iterator[str]:
    """The plan in sentences."""
    place = "a new repository" if plan.before is None else f"the commit {plan.before.head[:12]}"
    seen = "public" if plan.public else "private"
    yield (
        f"{plan.repo}: {len(plan.changes):,} of {len(plan.files):,} files new or changed and "
        f"{len(plan.stale):,} deleted, on {place}; {plan.bytes_to_send:,} bytes to send"
    )
    if not plan.verdict.findings:
        yield "it holds nothing that a licence speaks of: ids, splits and hashes"
    access = "; readers have to ask for access" if plan.verdict.gated else ""
    yield f"{seen}, tagged {plan.tag}{access}"


def summary(plan: Plan) -> dict[str, Any]:
    """The plan as plain values, for machines."""
    return {
        "event": "plan",
        "repo": plan.repo,
        "exists": plan.before is not None,
        "parent": plan.before.head if plan.before else None,
        "public": plan.public,
        "gated": plan.verdict.gated,
        "tag": plan.tag,
        "bytes_to_send": plan.bytes_to_send,
        "files": [
            {
                "name": one.file.name,
                "fate": one.fate.value,
                "bytes": one.file.size,
                "bytes_to_send": one.bytes_to_send,
                "sha256": one.file.sha256,
            }
            for one in plan.files
        ],
        "deleted": list(plan.stale),
        "licence_gate": [
            {
                "source": one.source.name,
                "material": one.kind.value,
                "ruling": one.ruling.value,
                "columns": list(one.columns),
            }
            for one in plan.verdict.findings
        ],
    }

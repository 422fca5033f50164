"""Publish a built dataset: gate, plan, upload, one commit, a look at what arrived, a tag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import huggingface_hub as hub

from artcurate.errors import DataError, UsageError
from artcurate.hub import gate, plan, remote_card, withheld
from artcurate.hub.access import with_access_prompt
from artcurate.hub.catalogue import Source
from artcurate.hub.contents import SentFile, dataset_files, sent_bytes
from artcurate.hub.gate import Verdict
from artcurate.hub.plan import Plan, PlannedFile
from artcurate.hub.recipe import make_recipe
from artcurate.hub.refusals import HubError, RaceError
from artcurate.hub.remote import Operation, Remote
from artcurate.hub.verify import differences, require_arrival
from artcurate.net.retry import Retry
from artcurate.package import lock
from artcurate.package.validate import CARD_FILE, PIPELINE_FILE, dataset_schema, validate_dataset
from artcurate.progress import ProgressMode, meter
from artcurate.resources import read_yaml
from artcurate.runner import Say, silent
from artcurate.schema.model import Schema

#: Violations that are shown before nothing is published.
_SHOWN = 10
#: Files that are handed to the client at a time, so that progress can be told between them.
_GROUP = 20


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asks for.

    public: anybody may see the repository.
    recipe: send what lets the dataset be made again, instead of the dataset.
    permitted: sources whose holders allow the user to pass them on.
    tag: under which name the commit is kept; None makes one of the dataset's version.
    """

    public: bool = False
    recipe: bool = False
    permitted: tuple[str, ...] = ()
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """What is to be sent, checked and judged, before the Hub is asked anything.

    version: of the data, as the card has it.
    """

    files: tuple[SentFile, ...]
    schema: Schema
    verdict: Verdict
    version: str
    name: str


@dataclass(frozen=True, slots=True)
class Published:
    """A finished publication: where it is."""

    url: str
    commit: str
    tag: str
    sent: int


def prepare(
    folder: Path,
    wishes: Wishes,
    *,
    sources: Sequence[Source] | None = None,
    progress: ProgressMode = ProgressMode.QUIET,
) -> Publication:
    """Validate the dataset in `folder`, ask the licence gate, and gather what is to be sent.

    sources: the corpora it was made of; by default those that its pipeline names.

    Raises:
        UsageError: there is no built dataset, or `wishes` names an unknown source.
        DataError: the dataset violates its schema or differs from its lock.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give a built dataset.")
    schema = dataset_schema(folder)
    locked = lock.read_lock(folder)
    _require_valid(folder, schema, progress)
    pipeline = _pipeline_of(folder)
    if sources is None:
        readers = {name: one["reader"] for name, one in pipeline["inputs"].items()}
        sources = gate.dataset_sources(folder, locked, readers)
    held: gate.Held = {}
    if wishes.recipe:
        recipe = make_recipe(
            folder,
            schema,
            pipeline,
            sources,
            public=wishes.public,
            permitted=wishes.permitted,
            progress=progress,
        )
        files, held = recipe.files, {kind: ["recipe tables"] for kind in recipe.kinds}
    else:
        files = tuple(_without_secrets(dataset_files(folder, locked), pipeline))
        held = gate.held_by(schema, gate.columns_of(folder, schema))
    verdict = gate.judge(sources, held, public=wishes.public, permitted=wishes.permitted)
    version = _version(folder) + ("-recipe" if wishes.recipe else "")
    name = pipeline["dataset"]["name"]
    return Publication(with_access_prompt(files, verdict, sources), schema, verdict, version, name)


def make_plan(publication: Publication, remote: Remote, wishes: Wishes) -> Plan:
    """What publishing would change on the Hub; nothing is changed. See `plan.make_plan`."""
    return plan.make_plan(
        remote,
        publication.files,
        publication.schema,
        version=publication.version,
        tag=wishes.tag,
        public=wishes.public,
        verdict=publication.verdict,
    )


def publish(
    folder: Path,
    repo: str,
    wishes: Wishes,
    *,
    endpoint: str | None = None,
    token: str | None = None,
    retry: Retry | None = None,
    progress: ProgressMode = ProgressMode.QUIET,
    say: Say = silent,
) -> Published:
    """Publish the dataset in `folder` to the dataset repository `repo`.

    Everything arrives in one step or not at all: shards first, where nobody sees them, then one
    commit on the state that the plan was made for. The commit is read back and compared before it
    is tagged, and only then is the repository made public. What a run that failed has sent is not
    sent again.

    endpoint, token: of the Hub; by default HF_ENDPOINT, and HF_TOKEN or the stored login.

    Raises:
        UsageError: the licence gate refuses, there is no token, or the call is wrong.
        DataError: the dataset is not what its lock and schema say.
        HubError: the Hub refuses or cannot be reached; the same call goes on from there.
    """
    publication = prepare(folder, wishes, progress=progress)
    gate.require(publication.verdict, public=wishes.public, schema=publication.schema)
    remote = Remote(repo, endpoint=endpoint, token=token, retry=retry)
    remote.user()
    planned = make_plan(publication, remote, wishes)
    check_visibility(planned)
    for line in plan.lines(planned):
        say(line)
    return carry_out(planned, remote, publication.name, progress=progress, say=say)


def check_visibility(planned: Plan) -> None:
    """Raise UsageError when what is meant to be private would go to a public repository."""
    if planned.before and not planned.before.private and not planned.public:
        raise UsageError(
            f"{planned.repo} is public already; add --public, or make it private on the Hub first."
        )


def carry_out(
    planned: Plan,
    remote: Remote,
    name: str,
    *,
    progress: ProgressMode = ProgressMode.QUIET,
    say: Say = silent,
) -> Published:
    """Do what was planned. See `publish`."""
    before = planned.before
    if before is None:
        remote.create()
        before = remote.state()
    if before is None:
        raise HubError(f"{planned.repo}: was made and cannot be seen; may your token read it?")
    if planned.verdict.gated and not before.gated:
        remote.settings(gated="manual")
    commit = before.head
    if planned.empty:
        say("nothing to send: everything is there already")
    else:
        commit = _send(planned, remote, before.head, f"Publish {name} {planned.tag}", progress)
    require_arrival(planned, remote, commit)
    say(f"read back and equal: {len(planned.files):,} files at {commit[:12]}")
    remote.tag(planned.tag, commit)
    if planned.public and before.private:
        remote.settings(private=False)
    return Published(remote.url, commit, planned.tag, planned.bytes_to_send)


def _send(planned: Plan, remote: Remote, parent: str, message: str, progress: ProgressMode) -> str:
    """Upload what is missing and commit it on `parent`; the new commit."""
    number = None
    if planned.in_parts:
        remote.close_pull_requests(message)
        number = remote.open_pull_request(message)
    ref = "main" if number is None else f"refs/pr/{number}"
    additions = [_addition(one) for one in planned.changes]
    total = sum(addition.upload_info.size for addition in additions)
    with meter("upload", total, unit="B", mode=progress) as done:
        for group in _groups(additions):
            remote.upload(group, ref)
            done.advance(sum(addition.upload_info.size for addition in group))
    deletions = [hub.CommitOperationDelete(name, is_folder=False) for name in planned.stale]
    operations: list[Operation] = [*additions, *deletions]
    try:
        if number is None:
            return remote.commit(operations, message, parent=parent)
        return _send_in_parts(operations, remote, parent, message, number)
    except RaceError:
        # The answer to a commit that went through may have been lost on the way.
        there = remote.state()
        if there and not any(differences(planned, remote, there)):
            return there.head
        raise


def _send_in_parts(
    operations: Sequence[Operation], remote: Remote, parent: str, message: str, number: int
) -> str:
    """Commit in parts to a pull request and merge it, which readers see as one step.

    Who commits to main after the last look at it is merged with, or stops the merge where both
    changed a file; what arrives is read back in either case.
    """
    ref, head = f"refs/pr/{number}", parent
    parts = list(_groups(operations, plan.MOST_FILES))
    for index, part in enumerate(parts, start=1):
        head = _commit_part(part, remote, head, f"{message} ({index}/{len(parts)})", ref)
    now = remote.state()
    if now is None or now.head != parent:
        raise RaceError(
            f"{remote.repo}: somebody else changed the repository at the same time, so nothing was "
            "merged; run the same command again, which sends only what is missing."
        )
    commit = remote.merge_pull_request(number)
    # One that was opened twice, because the first answer was lost, is still there.
    remote.close_pull_requests(message)
    return commit


def _commit_part(
    part: Sequence[Operation], remote: Remote, head: str, message: str, ref: str
) -> str:
    try:
        return remote.commit(part, message, parent=head, ref=ref)
    except RaceError:
        # Nobody else writes there: the commit went through, and its answer was lost.
        now = remote.state(ref)
        if now is None or now.head == head:
            raise
        return now.head


def _addition(one: PlannedFile) -> hub.CommitOperationAdd:
    addition = hub.CommitOperationAdd(one.file.name, one.file.content)
    addition.upload_info.sha256 = bytes.fromhex(one.file.sha256)
    return addition


def _groups(items: Sequence[Any], size: int = _GROUP) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _require_valid(folder: Path, schema: Schema, progress: ProgressMode) -> None:
    found = list(islice(validate_dataset(folder, schema, progress=progress), _SHOWN + 1))
    if found:
        more = ["  and more"] if len(found) > _SHOWN else []
        raise DataError(
            [
                f"{folder}: not valid, so nothing was published; `artcurate validate {folder}` "
                "shows all of it.",
                *(f"  {one}" for one in found[:_SHOWN]),
                *more,
            ]
        )


def _pipeline_of(folder: Path) -> dict[str, Any]:
    path = folder / PIPELINE_FILE
    content = read_yaml(path)
    if not isinstance(content, dict) or not {"inputs", "steps", "dataset"} <= set(content):
        raise DataError(f"{path}: not a resolved pipeline.")
    return content


def _without_secrets(files: Sequence[SentFile], pipeline: dict[str, Any]) -> Iterator[SentFile]:
    cleaned, secrets = withheld.without_secrets(pipeline)
    for file in files:
        if file.name == PIPELINE_FILE and secrets:
            yield sent_bytes(file.name, withheld.to_yaml(cleaned).encode())
        else:
            yield file


def _version(folder: Path) -> str:
    """The data's version as the card has it: MAJOR.MINOR and a number made of the shards."""
    path = folder / CARD_FILE
    head = remote_card.parse(path.read_text(encoding="utf-8"), str(path)).head
    versions = [one.get("version") for one in head.get("configs", ()) if isinstance(one, dict)]
    if not versions or not isinstance(versions[0], str):
        raise DataError(f"{path}: its head names no config with a version.")
    return versions[0]

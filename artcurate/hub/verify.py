"""Read a publication back and compare it, hash by hash, with what was sent."""

from __future__ import annotations

from collections.abc import Iterator

from artcurate.hub.plan import Fate, Plan, compare
from artcurate.hub.refusals import HubError
from artcurate.hub.remote import Remote, RemoteState

_SHOWN = 5


def differences(plan: Plan, remote: Remote, there: RemoteState) -> Iterator[str]:
    """Every file that does not stand in the repository as planned, in words."""
    for name, found in compare([one.file for one in plan.files], remote, there).items():
        if found is not Fate.UNCHANGED:
            yield f"{name} is {'missing' if found is Fate.NEW else 'not what was sent'}"
    for name in plan.stale:
        if name in there.files:
            yield f"{name} is still there"


def require_arrival(plan: Plan, remote: Remote, commit: str) -> None:
    """Raise HubError when `commit` does not hold exactly what was planned."""
    there = remote.state(commit)
    found = ["the commit cannot be found"] if there is None else []
    found += differences(plan, remote, there) if there else []
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise HubError(
            f"{plan.repo}: read back, the commit {commit[:12]} differs from what was sent: "
            f"{'; '.join(found[:_SHOWN])}{more}. Run the same command again."
        )

"""When to try again: exponential back-off with jitter, and what the server asks for."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from artcurate.errors import DataError

_Result = TypeVar("_Result")


class TransientError(Exception):
    """Something that may work when tried again.

    reason: what happened, half a sentence for the user.
    wait: seconds the server asked for, where it did.
    progressed: whether the attempt brought something that need not be fetched again.
    """

    def __init__(self, reason: str, *, wait: float | None = None, progressed: bool = False) -> None:
        self.reason, self.wait, self.progressed = reason, wait, progressed
        super().__init__(reason)


class GaveUpError(DataError):
    """A server that did not answer as it should, as often as it was asked."""


class StoppedError(Exception):
    """The user, or the failure of another file, has ended the work."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how patiently to try.

    attempts: how many in a row may fail without progress.
    first, longest: seconds of the first pause and of the longest one.
    patience: seconds a server may ask for; more than that is reported instead of waited for.
    stop: ends every pause, and with it the work.
    draw: a random number in [0, 1), for the jitter.
    """

    attempts: int = 6
    first: float = 1.0
    longest: float = 60.0
    patience: float = 900.0
    stop: threading.Event = field(default_factory=threading.Event)
    # The jitter keeps clients apart; no result depends on it.
    draw: Callable[[], float] = random.random

    def pause_after(self, failures: int, asked: float | None) -> float:
        """Seconds to wait after the `failures`-th failure in a row, 1-based.

        Between half and the whole of `first` * 2^(failures - 1), at most `longest`; never less
        than the server `asked` for.
        """
        whole = min(self.first * 2.0 ** (failures - 1), self.longest)
        return max(whole * (0.5 + 0.5 * self.draw()), asked or 0.0)

    def check_stopped(self) -> None:
        """Raise StoppedError once the work is to end."""
        if self.stop.is_set():
            raise StoppedError

    def run(self, what: str, attempt: Callable[[], _Result]) -> _Result:
        """What `attempt` returns, tried again while it raises TransientError.

        what: how messages call it.

        Raises:
            GaveUpError: it failed too often in a row, or the server asks for too long a pause.
            StoppedError: the work is to end.
        """
        failures = 0
        while True:
            self.check_stopped()
            try:
                return attempt()
            except TransientError as error:
                failures = 1 if error.progressed else failures + 1
                self._give_up(what, error, failures)
                pause = self.pause_after(failures, error.wait)
            self.stop.wait(pause)

    def _give_up(self, what: str, error: TransientError, failures: int) -> None:
        if error.wait is not None and error.wait > self.patience:
            raise GaveUpError(
                f"{what}: {error.reason}, and the server asks to wait {error.wait:,.0f} seconds; "
                "run the same command again later, which goes on from what is there."
            )
        if failures >= self.attempts:
            raise GaveUpError(
                f"{what}: {error.reason}, {failures} times in a row; check the network and run the "
                "same command again, which goes on from what is there."
            )


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3); None where it says nothing.

    value: a number of seconds, or a date.
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)

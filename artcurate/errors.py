"""The errors a user can meet, each one sentence with the place and the way out."""

from __future__ import annotations

from collections.abc import Sequence


class ArtcurateError(Exception):
    """Something the user can mend. The command line prints it without a traceback."""

    exit_code = 1


class UsageError(ArtcurateError):
    """A wrong call: an unknown name, a bad value, an option that is missing."""

    exit_code = 2


class DataError(ArtcurateError):
    """Wrong data. Holds every problem that was found, not only the first.

    `problems` has one sentence per problem; `str()` joins them line by line.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (
            (problems,) if isinstance(problems, str) else tuple(problems)
        )
        super().__init__("\n".join(self.problems))

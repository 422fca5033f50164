"""Why an archive or one of its members cannot be used."""

from __future__ import annotations

from enum import StrEnum

from artcurate.errors import DataError


class ArchiveFault(StrEnum):
    UNREADABLE = "unreadable"
    NOT_A_ZIP = "not_a_zip"
    NOT_A_TAR = "not_a_tar"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    MISSING_PART = "missing_part"
    NO_MEMBER = "no_member"
    ENCRYPTED = "encrypted"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"


class ArchiveError(DataError):
    """An archive, or one of its members, that cannot be read.

    fault: the kind of fault.
    place: the archive's path, as the caller gave it.
    detail: one sentence without the place, for a row of a table of faults.
    """

    def __init__(self, fault: ArchiveFault, place: str, detail: str) -> None:
        self.fault, self.place, self.detail = fault, place, detail
        super().__init__(f"{place}: {detail}")

    def __reduce__(self) -> tuple[type[ArchiveError], tuple[ArchiveFault, str, str]]:
        return type(self), (self.fault, self.place, self.detail)

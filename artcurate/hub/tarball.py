"""The one file that a tar of AI Hub holds, whole or in parts, written and checked."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from artcurate.archives.faults import ArchiveError
from artcurate.archives.parts import check_complete, split_name
from artcurate.files import atomic_file
from artcurate.hub.transfer import WrongContentError

_CHUNK = 1 << 20
#: So much of an answer that is no tar may be words.
_WORDS = 4096


def assemble(
    tar: Path, name: str, target: Path, check: Callable[[Path, str], None]
) -> tuple[str, int]:
    """Write the file called `name` in `tar` to `target`, its parts joined by their numbers.

    A file of another name is taken where there is only one. Nothing else of the tar is written,
    and none of its paths is used.

    check: told the temporary path and the sha256 of what was written; raises to refuse it.

    Returns (sha256, bytes).

    Raises:
        WrongContentError: `tar` is no tar, is cut off, lacks a part, or holds another file.
        DataError: `target` cannot be written, and whatever `check` raises.
    """
    try:
        with tarfile.open(tar, "r:", encoding="utf-8") as archive:
            pieces = _pieces(_members(archive, tar), name)
            return _write(archive, pieces, target, check)
    except tarfile.TarError as error:
        raise WrongContentError(f"{name}: {_not_a_tar(tar, error)}") from None


def _members(archive: tarfile.TarFile, tar: Path) -> list[tarfile.TarInfo]:
    """The regular files. Raises TarError where one reaches beyond the end."""
    members = [member for member in archive.getmembers() if member.isreg()]
    size = tar.stat().st_size
    for member in members:
        if member.issparse() or member.offset_data + member.size > size:
            raise tarfile.ReadError("it is cut off")
    return members


def _pieces(members: Sequence[tarfile.TarInfo], name: str) -> list[tarfile.TarInfo]:
    """The members that make up the file `name`, in the order of their numbers."""
    groups: dict[str, dict[int, tarfile.TarInfo]] = {}
    for member in members:
        base = _base_name(member)
        part = split_name(base)
        whole, number = part if part else (base, 0)
        pieces = groups.setdefault(normalize("NFC", whole), {})
        if number in pieces:
            raise WrongContentError(f"{name}: the tar holds {base!r} twice.")
        pieces[number] = member
    key = normalize("NFC", name)
    if key not in groups and len(groups) != 1:
        held = ", ".join(sorted(groups)) or "nothing"
        raise WrongContentError(f"{name}: the tar does not hold it but {held}.")
    pieces = groups.get(key) or next(iter(groups.values()))
    if any(split_name(_base_name(member)) for member in pieces.values()):
        sizes = {number: member.size for number, member in pieces.items()}
        try:
            check_complete(name, name, sizes)
        except ArchiveError as error:
            raise WrongContentError(str(error)) from None
    return [pieces[number] for number in sorted(pieces)]


def _base_name(member: tarfile.TarInfo) -> str:
    """The member's name without folders; tools on a Korean system may write CP949."""
    raw = member.name.encode("utf-8", errors="surrogateescape")
    for encoding in ("utf-8", "cp949"):
        try:
            return PurePosixPath(raw.decode(encoding).replace("\\", "/")).name
        except UnicodeDecodeError:
            continue
    return ascii(member.name)


def _write(
    archive: tarfile.TarFile,
    pieces: Sequence[tarfile.TarInfo],
    target: Path,
    check: Callable[[Path, str], None],
) -> tuple[str, int]:
    digest = hashlib.sha256()
    with atomic_file(target) as file:
        for piece in pieces:
            source = archive.extractfile(piece)
            if source is None:
                raise tarfile.ReadError("it is cut off")
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        file.flush()
        check(Path(os.fsdecode(file.name)), digest.hexdigest())
    return digest.hexdigest(), sum(piece.size for piece in pieces)


def _not_a_tar(tar: Path, error: Exception) -> str:
    """What came in place of a tar, in words; AI Hub may say why in a line of text."""
    with tar.open("rb") as file:
        start = file.read(_WORDS)
    try:
        words = " ".join(start.decode("utf-8").split())
    except UnicodeDecodeError:
        words = ""
    if tar.stat().st_size < _WORDS and words.isprintable() and words:
        return f"AI Hub sent words in place of the file: {words[:200]!r}."
    return f"the tar that came is damaged ({error}); run the same command again."

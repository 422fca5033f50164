"""Taking over what a user fetched by hand, after checking that it is what it should be."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from artcurate.archives.tree import DiskFile, survey
from artcurate.errors import DataError, UsageError
from artcurate.files import file_system_errors, make_folder, require_free_space
from artcurate.hub.catalogue import Source, source_of
from artcurate.hub.download import Downloaded, Request, Say, unpack_into
from artcurate.hub.ledger import today
from artcurate.hub.staging import Arrived, Receipt, Staging, open_staging
from artcurate.hub.subset import choose, is_part
from artcurate.hub.unpack import check_archive, damaged_sentence
from artcurate.net.retry import Retry
from artcurate.progress import Meter, ProgressMode, meter

_CHUNK = 1 << 20
_TABLES = (".csv", ".parquet")
#: A table may swell to so many bytes per packed byte.
_MAX_RATIO = 200


def adopt(
    request: Request,
    given: Path,
    *,
    progress: ProgressMode = ProgressMode.QUIET,
    say: Say = lambda _: None,
) -> Downloaded:
    """Bring what lies at `given` into the folder of `request`, whole and checked, or not at all.

    Every member of every zip archive is read and compared with its checksum, tables are read
    whole and must be of the corpus. What `given` holds is left as it is; on one disk the files are
    linked, so that nothing lies there twice.

    Raises:
        UsageError: nothing is there, it belongs to another corpus, or the request names a place.
        DataError: it is damaged or not what it should be; all problems of a corpus at once.
    """
    if request.place is not None:
        raise UsageError("--from takes over what you have fetched; leave --place out.")
    if not given.exists():
        raise UsageError(f"--from {given}: no such file or folder.")
    kinds: dict[str, type[_Kind]] = {"wikiart": _Pictures, "artelingo": _Captions}
    kind = kinds.get(request.source.reader, _Corpus)(request, progress, say)
    with open_staging(request.folder) as staging:
        # What another download left here is of no use beside this.
        staging.discard()
        make_folder(staging.root)
        try:
            files, damaged = kind.bring(given, staging)
        except BaseException:
            staging.discard()
            raise
        receipt = Receipt(
            request.source.name, "taken over by hand", files, damaged, today(), request.subset
        )
        staging.publish(receipt, replace=request.start_over)
    return Downloaded(request.folder, receipt, fresh=True)


class _Kind(ABC):
    """How corpora of one kind are checked and copied."""

    def __init__(self, request: Request, progress: ProgressMode, say: Say) -> None:
        self.request, self.progress, self.say = request, progress, say

    @property
    def source(self) -> Source:
        return self.request.source

    @abstractmethod
    def bring(self, given: Path, staging: Staging) -> tuple[tuple[Arrived, ...], tuple[str, ...]]:
        """(files that came, damaged members left out), the data lying in `staging`."""

    def chosen(self, files: Sequence[tuple[Path, str]]) -> tuple[tuple[Path, str], ...]:
        """Those of `files`, with their places, that the user wants."""
        return choose(
            files,
            self.request.subset,
            fits=lambda file, word: is_part(word, file[1]),
            show=lambda file: file[1],
        )

    def copy(self, files: Sequence[tuple[Path, str]], staging: Staging) -> tuple[Arrived, ...]:
        """Bring each file to its place below the staging folder."""
        total = sum(path.stat().st_size for path, _ in files)
        disk = staging.root.stat().st_dev
        elsewhere = [path for path, _ in files if path.stat().st_dev != disk]
        require_free_space(staging.root, sum(path.stat().st_size for path in elsewhere))
        with meter(self.source.name, total, unit="B", mode=self.progress) as bar:
            return tuple(_bring(path, staging.root, place, bar) for path, place in files)


class _Pictures(_Kind):
    """WikiArt: its archive, or the folder of style folders that comes out of it."""

    def bring(self, given: Path, staging: Staging) -> tuple[tuple[Arrived, ...], tuple[str, ...]]:
        if given.is_dir():
            return self._folder(given, staging), ()
        return self._archive(given, staging)

    def _archive(
        self, given: Path, staging: Staging
    ) -> tuple[tuple[Arrived, ...], tuple[str, ...]]:
        styles = self.request.subset
        unpacked = unpack_into(given, staging.root, Retry(), styles, self.progress, self.say)
        if unpacked.damaged and not self.request.skip_damaged:
            raise DataError(
                f"{damaged_sentence(given.name, unpacked.damaged)} Add --skip-damaged to take "
                f"the other {unpacked.pictures:,}, or fetch the archive again."
            )
        with given.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return (Arrived(given.name, given.stat().st_size, digest),), unpacked.damaged

    def _folder(self, given: Path, staging: Staging) -> tuple[Arrived, ...]:
        from artcurate.sources.wikiart import locate_wikiart

        corpus = locate_wikiart(given)
        (root,) = corpus.roots.values()
        wanted = corpus.images.select("style", "location").iter_rows()
        styles = self.request.subset
        known = corpus.images["style"].unique().to_list()
        if unknown := [style for style in styles if style not in known]:
            raise UsageError(f"{given}: holds no style {', '.join(unknown)}.")
        places = [place for style, place in wanted if not styles or style in styles]
        self.copy([(root / place, place) for place in places], staging)
        return ()


class _Captions(_Kind):
    """ArtELingo and ArtEmis: tables whose columns tell the corpus they belong to."""

    def bring(self, given: Path, staging: Staging) -> tuple[tuple[Arrived, ...], tuple[str, ...]]:
        if zipfile.is_zipfile(given):
            files = self._unzip(given, staging)
        else:
            files = self.copy(self.chosen(_tables(given)), staging)
        self._check(given, [staging.root / file.path for file in files])
        return files, ()

    def _unzip(self, given: Path, staging: Staging) -> tuple[Arrived, ...]:
        """The tables in the archive `given`, each compared with its checksum."""
        try:
            with zipfile.ZipFile(given) as archive:
                members = [
                    member
                    for member in archive.infolist()
                    if member.filename.lower().endswith(_TABLES)
                    and "__MACOSX" not in member.filename
                ]
                wanted = choose(
                    members,
                    self.request.subset,
                    fits=lambda member, word: is_part(word, member.filename),
                    show=lambda member: member.filename,
                )
                _require_plausible(given, wanted)
                require_free_space(staging.root, sum(member.file_size for member in wanted))
                return tuple(_extract(archive, member, staging.root) for member in wanted)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise DataError(f"{given}: is damaged ({error}); fetch it again.") from None

    def _check(self, given: Path, paths: Sequence[Path]) -> None:
        """Read every table whole. Raises where one is of another corpus."""
        from artcurate.sources.artelingo import read_annotations

        if not paths:
            raise UsageError(f"--from {given}: holds no CSV and no Parquet file.")
        corpus = read_annotations(paths, input_name="captions")
        for file in corpus.findings["captions"]["files"]:
            if file["form"] not in self.source.forms:
                other = source_of("artelingo", file["form"]).name
                raise UsageError(
                    f"--from {given}: {file['name']} is {file['title']}; "
                    f"run: artcurate download {other} --from {given}"
                )
            self.say(f"{file['name']}: {file['title']}, {file['rows']:,} rows")


class _Corpus(_Kind):
    """ECC and CID: whatever their readers find in a folder, archives and all."""

    def bring(self, given: Path, staging: Staging) -> tuple[tuple[Arrived, ...], tuple[str, ...]]:
        tree = survey([given])
        wanted = [*tree.files, *_with_parts(archive.file for archive in tree.archives)]
        self._recognise(given)
        places = self.chosen([(file.path, file.location) for file in wanted])
        files = self.copy(places, staging)
        copied = survey([staging.root])
        problems: list[str] = []
        for archive in copied.archives:
            self.say(f"checking {archive.name}")
            try:
                check_archive(archive.file.path, Retry())
            except DataError as error:
                problems += error.problems
        if problems:
            raise DataError(problems)
        return files, ()

    def _recognise(self, folder: Path) -> None:
        """Pass a folder in which the corpus' reader finds what it is for.

        A part of it, such as pictures without labels, could not be told.
        """
        if self.source.reader == "ecc":
            from artcurate.sources.ecc.files import find_dialogues

            find_dialogues([folder])
        else:
            from artcurate.sources.cid.files import find_labels

            find_labels([folder])


def _with_parts(archives: Iterable[DiskFile]) -> Iterator[DiskFile]:
    """Each archive, or all parts of one that is in parts."""
    from artcurate.archives.parts import split_name

    for archive in archives:
        part = split_name(archive.name)
        if part is None:
            yield archive
            continue
        for path in sorted(archive.path.parent.iterdir()):
            sibling = split_name(path.name)
            if sibling is not None and sibling[0] == part[0]:
                location = path.relative_to(archive.root).as_posix()
                yield DiskFile(archive.root, location, path.stat().st_size)


def _tables(given: Path) -> list[tuple[Path, str]]:
    """The tables at `given`, and how they are to be called."""
    if given.is_file():
        return [(given, _table_name(given))]
    found = (path for path in sorted(given.rglob("*")) if path.suffix.lower() in _TABLES)
    return [
        (path, _table_name(path))
        for path in found
        if path.is_file() and not path.name.startswith(".")
    ]


def _table_name(path: Path) -> str:
    """The file's name with an ending that readers look for."""
    suffix = path.suffix.lower()
    return path.with_suffix(suffix).name if suffix in _TABLES else f"{path.name}.csv"


def _require_plausible(given: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    size = given.stat().st_size
    plain = sum(member.file_size for member in members)
    if plain > _MAX_RATIO * size or sum(member.compress_size for member in members) > size:
        raise DataError(
            f"{given}: {size:,} bytes claim to hold {plain:,}: that is a trap and no data."
        )


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Arrived:
    name = _table_name(Path(PurePosixPath(member.filename.replace("\\", "/")).name))
    target = folder / name
    digest = hashlib.sha256()
    left = member.file_size
    with file_system_errors(target), archive.open(member) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise DataError(f"{name}: has more bytes than the archive states.")
            digest.update(chunk)
            file.write(chunk)
    return Arrived(name, member.file_size, digest.hexdigest())


def _bring(path: Path, folder: Path, place: str, bar: Meter) -> Arrived:
    """The file at `path` at its place below `folder`: linked where both are on one disk, copied
    elsewhere."""
    target = folder / place
    make_folder(target.parent)
    with file_system_errors(target):
        real = path.resolve(strict=True)
        if real.stat().st_dev == folder.stat().st_dev:
            with suppress(OSError):
                target.hardlink_to(real)
        if not target.exists():
            shutil.copyfile(real, target)
        digest = hashlib.sha256()
        size = 0
        with target.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                bar.advance(len(chunk))
    return Arrived(place, size, digest.hexdigest())

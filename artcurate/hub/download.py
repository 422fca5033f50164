"""Fetching a corpus into the data home from the first of its places that gives it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from artcurate.errors import ArtcurateError, DataError, UsageError
from artcurate.files import file_system_errors, require_free_space
from artcurate.hub import aihub, drive
from artcurate.hub.catalogue import AIHubPlace, DrivePlace, FormPlace, HubPlace, Place, Source
from artcurate.hub.credentials import aihub_key
from artcurate.hub.items import Item, PlainFile, Work
from artcurate.hub.ledger import Ledger, today
from artcurate.hub.staging import (
    Arrived,
    Receipt,
    Staging,
    open_staging,
    read_receipt,
    unfinished_bytes,
)
from artcurate.hub.transfer import ByteCount, Transfer, Wanted
from artcurate.hub.unpack import Unpacked, damaged_sentence, unpack_pictures
from artcurate.net.http import Http, RefusedError
from artcurate.net.retry import GaveUpError, Retry, StoppedError
from artcurate.net.secret import Secret
from artcurate.progress import ProgressMode, meter

Say = Callable[[str], None]
#: An archive may be so much larger than its publisher's rounded figure.
_ROUNDING = 1.1
#: Seconds after which the main thread looks whether the user wants to stop.
_HEARING = 0.2


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a download left.

    fresh: whether anything was fetched; everything was there already otherwise.
    buildable: whether a bundled pipeline can read it.
    """

    folder: Path
    receipt: Receipt
    fresh: bool
    buildable: bool = True


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants of a corpus.

    folder: where to put it.
    place: the label of the only place to try; None for all of them, those first that a build can
        use.
    subset: words that choose files; for WikiArt the style folders to unpack.
    jobs: files fetched at once.
    start_over: forget what earlier downloads left and what checksums were seen.
    skip_damaged: leave damaged members of an archive out instead of refusing it.
    """

    source: Source
    folder: Path
    place: str | None = None
    subset: tuple[str, ...] = ()
    jobs: int = 4
    start_over: bool = False
    skip_damaged: bool = False


def download(
    request: Request,
    ledger: Ledger,
    *,
    retry: Retry | None = None,
    progress: ProgressMode = ProgressMode.QUIET,
    say: Say = lambda _: None,
) -> Downloaded:
    """Fetch what `request` wants; the same call after an interruption goes on from what is there.

    Raises:
        UsageError: only a person can fetch it, a key is missing, or a name is wrong.
        DataError: no place gives it, what came is wrong, or the disk is too small.
    """
    reasons: list[str] = []
    for place in _places(request):
        for line in _leading_on(reasons, place):
            say(line)
        # A place that failed has stopped its own work only.
        session = _Session(
            request,
            place,
            ledger,
            replace(retry or Retry(), stop=threading.Event()),
            progress,
            say,
        )
        try:
            return session.run()
        except ArtcurateError as error:
            if not _leads_on(error, session.folder, first=not reasons):
                raise
            reasons += str(error).splitlines()
    raise RefusedError([*reasons, *by_hand(request.source)])


def _leads_on(error: ArtcurateError, folder: Path, *, first: bool) -> bool:
    """Whether the next place is to be tried after `error` at one that works in `folder`.

    first: nothing failed before. What a later place lacks, such as room for it, is less telling
        than why it had to be tried.
    """
    if isinstance(error, RefusedError):
        return True
    if isinstance(error, GaveUpError):
        # What has come from here is worth more than a start elsewhere.
        return not unfinished_bytes(folder)
    return not first


def _leading_on(reasons: Sequence[str], place: Place) -> Iterator[str]:
    """Why `place` is tried after the one that failed last, line by line; nothing for the first."""
    if reasons:
        yield reasons[-1]
        yield f"Trying {place.label} instead. {place.note}"


def by_hand(source: Source) -> list[str]:
    """How a person gets `source`, as lines under a message."""
    lines = []
    for place in source.places:
        if isinstance(place, FormPlace):
            lines += [f"  By hand, at {place.url}:"]
            lines += [f"  {number}. {step}" for number, step in enumerate(place.steps, 1)]
    return lines


def _places(request: Request) -> list[Place]:
    """The places to try. Raises UsageError where a program can use none."""
    source = request.source
    automatic = [place for place in source.places if not isinstance(place, FormPlace)]
    if request.place is not None:
        chosen = [place for place in automatic if place.label == request.place]
        if not chosen:
            known = ", ".join(place.label for place in automatic) or "none"
            raise UsageError(f"--place {request.place}: {source.name} comes from {known}.")
        return list(chosen)
    # A subset names the styles of the archive, which a copy without them does not have.
    usable = [place for place in automatic if _is_buildable(place) or not request.subset]
    if not usable:
        lines = [f"{source.name}: only a person gets through to it.", *by_hand(source)]
        raise UsageError("\n".join(lines))
    return sorted(usable, key=_is_buildable, reverse=True)


def _is_buildable(place: Place) -> bool:
    """Whether a bundled pipeline can read what comes from `place`."""
    return not isinstance(place, HubPlace) or place.buildable


@dataclass(frozen=True, slots=True)
class _Session:
    """One attempt at one place."""

    request: Request
    place: Place
    ledger: Ledger
    retry: Retry
    progress: ProgressMode
    say: Say

    def run(self) -> Downloaded:
        folder = self.folder
        with Http() as http:
            items = self._items(http)
            receipt = read_receipt(folder)
            if receipt and not self.request.start_over and self._holds(folder, receipt, items):
                return Downloaded(folder, receipt, fresh=False, buildable=_is_buildable(self.place))
            if not self.request.start_over:
                self._require_free_names(folder, receipt, items)
            with open_staging(folder) as staging:
                if self.request.start_over:
                    staging.discard()
                    for item in items:
                        self.ledger.forget_seen(item.identity)
                return self._fetch(Transfer(http, self.retry), staging, items)

    @property
    def folder(self) -> Path:
        """Where what comes from this place belongs."""
        folder = self.request.folder
        if isinstance(self.place, HubPlace) and self.place.folder:
            return folder.with_name(self.place.folder)
        return folder

    def _items(self, http: Http) -> tuple[Item, ...]:
        """The files that are wanted. Raises RefusedError where the place does not say."""
        place, subset = self.place, self.request.subset
        if isinstance(place, HubPlace):
            from artcurate.hub.hubdata import shards

            return shards(place, self.retry, subset=subset)
        if isinstance(place, AIHubPlace):
            key = self._aihub_key()
            listed = aihub.list_files(http, self.retry, place.dataset)
            chosen = aihub.select(listed, subset)
            return tuple(aihub.AIHubFile(place.dataset, file, key) for file in chosen)
        if isinstance(place, DrivePlace):
            return (_drive_file(http, place),)
        raise UsageError(f"{self.request.source.name}: only a person gets through to it.")

    def _aihub_key(self) -> Secret:
        try:
            return aihub_key()
        except UsageError as error:
            raise UsageError("\n".join([str(error), *by_hand(self.request.source)])) from None

    def _holds(self, folder: Path, receipt: Receipt, items: Sequence[Item]) -> bool:
        """Whether everything that is wanted is in `folder` already."""
        if isinstance(self.place, DrivePlace):
            styles = self.request.subset
            if receipt.subset and not styles:
                return False
            there = {path.name for path in folder.glob("[!.]*") if path.is_dir()}
            return there.issuperset(styles) and bool(there)
        files = {file.path: file for file in receipt.files}
        return all(_is_there(folder, item, files.get(item.path)) for item in items)

    def _require_free_names(
        self, folder: Path, receipt: Receipt | None, items: Sequence[Item]
    ) -> None:
        """Raise UsageError where files of somebody else stand where files are to come."""
        known = {file.path for file in receipt.files} if receipt else set()
        if isinstance(self.place, DrivePlace):
            there = [] if receipt or not folder.is_dir() else sorted(folder.glob("[!.]*"))
        else:
            paths = [item.path for item in items if item.path not in known]
            there = [folder / path for path in paths if (folder / path).exists()]
        if there:
            raise UsageError(
                f"{there[0]}: is there already, put there by hand; move it away, give another "
                "--to, or add --fresh to replace it."
            )

    def _fetch(self, transfer: Transfer, staging: Staging, items: Sequence[Item]) -> Downloaded:
        arrived = staging.arrived()
        missing = [item for item in items if item.path not in arrived]
        self._check_space(staging, missing)
        self._fetch_all(transfer, staging, missing)
        arrived = staging.arrived()
        for item in items:
            file = arrived[item.path]
            self.ledger.note_seen(item.identity, file.sha256, file.size)
        files = tuple(arrived.values())
        damaged = self._unpack(staging, files) if isinstance(self.place, DrivePlace) else ()
        receipt = Receipt(
            self.request.source.name,
            f"from {self.place.label}",
            files,
            damaged,
            today(),
            self.request.subset,
        )
        staging.publish(receipt, replace=self.request.start_over)
        return Downloaded(staging.target, receipt, fresh=True, buildable=_is_buildable(self.place))

    def _check_space(self, staging: Staging, missing: Sequence[Item]) -> None:
        waiting = sum(item.size for item in missing)
        beside = sum(sorted(item.scratch for item in missing)[-self.request.jobs :])
        there = sum(path.stat().st_size for path in staging.root.rglob(".*.download"))
        with file_system_errors(staging.root):
            staging.root.mkdir(parents=True, exist_ok=True)
        require_free_space(staging.root, max(waiting + beside - there, 0))

    def _fetch_all(self, transfer: Transfer, staging: Staging, missing: Sequence[Item]) -> None:
        total = sum(item.size for item in missing)
        name = self.request.source.name
        with (
            meter(name, total, unit="B", mode=self.progress) as bar,
            ThreadPoolExecutor(self.request.jobs) as pool,
        ):
            work = Work(transfer, ByteCount(bar), self.ledger)

            def fetch(item: Item) -> None:
                staging.note(item.fetch(staging.root, work))

            futures = [pool.submit(fetch, item) for item in missing]
            try:
                # Some systems give Ctrl-C to any thread: who waits without end never hears of it.
                while not (_failures(futures) or all(future.done() for future in futures)):
                    wait(futures, _HEARING, FIRST_EXCEPTION)
            finally:
                # Files that are under way stop at their next bytes, and keep those they have.
                if not all(future.done() for future in futures) or _failures(futures):
                    self.retry.stop.set()
                    pool.shutdown(cancel_futures=True)
        failures = _failures(futures)
        if failures:
            raise failures[0]

    def _unpack(self, staging: Staging, files: Sequence[Arrived]) -> tuple[str, ...]:
        (archive,) = files
        path = staging.root / archive.path
        unpacked = unpack_into(
            path, staging.root, self.retry, self.request.subset, self.progress, self.say
        )
        if unpacked.damaged and not self.request.skip_damaged:
            raise DataError(
                f"{damaged_sentence(path.name, unpacked.damaged)} Add --skip-damaged to take "
                f"the other {unpacked.pictures:,}, or --fresh to fetch the archive again."
            )
        with file_system_errors(path):
            path.unlink()
        return unpacked.damaged


def unpack_into(
    archive: Path,
    folder: Path,
    retry: Retry,
    styles: Sequence[str],
    progress: ProgressMode,
    say: Say,
) -> Unpacked:
    """Unpack the pictures of `archive` into style folders below `folder`, with a progress bar.

    Raises what `unpack_pictures` raises.
    """
    say(f"checking and unpacking {archive.name}")
    with meter("unpack", archive.stat().st_size, unit="B", mode=progress) as bar:
        return unpack_pictures(archive, folder, retry, styles=styles, advance=bar.advance)


def _drive_file(http: Http, place: DrivePlace) -> PlainFile:
    wanted = Wanted(
        name=place.file,
        identity=f"drive:{place.id}",
        locate=drive.address_of(http, place),
        limit=int(place.size * _ROUNDING),
        sha256=place.sha256,
    )
    return PlainFile(place.file, place.size, wanted, scratch=place.size)


def _is_there(folder: Path, item: Item, file: Arrived | None) -> bool:
    """Whether `folder` holds `item` as the receipt's `file`, and that is what is wanted."""
    path = folder / item.path
    if file is None or not path.is_file() or path.stat().st_size != file.size:
        return False
    return item.sha256 in (None, file.sha256)


def _failures(futures: Sequence[Future[None]]) -> list[BaseException]:
    """What went wrong, first what is no consequence of something else's failure."""
    done = [future for future in futures if future.done() and not future.cancelled()]
    errors = [error for future in done if (error := future.exception())]
    return sorted(errors, key=lambda error: isinstance(error, StoppedError))

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artcurate.errors import DataError
from artcurate.hub.transfer import (
    OVERLAP,
    ByteCount,
    Fetched,
    Transfer,
    Wanted,
    WrongContentError,
)
from artcurate.net.http import Http, KeyHeader, RefusedError
from artcurate.net.retry import Retry, StoppedError
from artcurate.net.secret import Secret

sys.path.insert(0, str(Path(__file__).parent))

from file_server import Fault, FileServer, Seen, Served, running

DATA = bytes(range(256)) * 4096  # 1 MiB
OTHER = DATA[::-1]
KEY = "k-31415926-secret"


class Counted:
    """A meter that keeps the sum."""

    def __init__(self) -> None:
        self.total = 0

    def advance(self, units: int = 1, **_: int) -> None:
        self.total += units

    found = advance


@pytest.fixture
def server() -> Iterator[FileServer]:
    with running() as server:
        yield server


@pytest.fixture
def transfer() -> Iterator[Transfer]:
    with Http(timeout=httpx2.Timeout(5)) as http:
        yield Transfer(http, Retry(attempts=4, first=0.001, longest=0.01, patience=5))


def wanted(
    server: FileServer, path: str = "/file", *, size: int | None = None, sha: str | None = None
) -> Wanted:
    return Wanted(
        name=path.strip("/"),
        identity=f"test:{path}",
        locate=lambda: f"{server.url}{path}",
        limit=1 << 24,
        size=size,
        sha256=sha,
    )


def fetch(transfer: Transfer, want: Wanted, target: Path) -> tuple[Fetched, int]:
    meter = Counted()
    return transfer.fetch(want, target, ByteCount(meter)), meter.total


def interrupt_at(server: FileServer, transfer: Transfer, target: Path, place: int) -> None:
    """Leave `target` unfinished after about `place` bytes, as a killed process would."""
    impatient = Transfer(transfer.http, Retry(attempts=1, first=0.001))
    server.faults["/file"].append(Fault(break_after=place))
    with pytest.raises(DataError, match="the same command again"):
        fetch(impatient, wanted(server), target)
    assert not target.exists()


def test_a_file_arrives_with_its_checksum(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    fetched, counted = fetch(transfer, wanted(server), tmp_path / "deep" / "file")
    assert fetched.path.read_bytes() == DATA
    assert (fetched.sha256, fetched.size) == (sha256(DATA).hexdigest(), len(DATA))
    assert counted == len(DATA)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["file"]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_passing_faults_are_waited_out(
    server: FileServer, transfer: Transfer, tmp_path: Path, status: int
) -> None:
    server.files["/file"] = Served(DATA)
    server.faults["/file"].extend([Fault(status=status, headers={"Retry-After": "0"})] * 3)
    fetched, _ = fetch(transfer, wanted(server), tmp_path / "file")
    assert fetched.path.read_bytes() == DATA
    assert len(server.seen) == 4


def test_a_server_that_asks_for_too_much_patience_is_reported(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    server.faults["/file"].append(Fault(status=429, headers={"Retry-After": "86400"}))
    with pytest.raises(DataError, match="asks to wait 86,400 seconds"):
        fetch(transfer, wanted(server), tmp_path / "file")


def test_a_server_that_stays_broken_is_given_up(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    server.faults["/file"].extend([Fault(status=500)] * 9)
    with pytest.raises(DataError, match=r"answered 500 .*4 times in a row"):
        fetch(transfer, wanted(server), tmp_path / "file")
    assert len(server.seen) == 4


def test_no_server_at_all_is_one_sentence(transfer: Transfer, tmp_path: Path) -> None:
    with running() as gone:
        want = wanted(gone)
    with pytest.raises(DataError, match=r"127\.0\.0\.1 cannot be reached, 4 times in a row"):
        fetch(transfer, want, tmp_path / "file")


@pytest.mark.parametrize("status", [300, 304, 401, 403, 404, 410, 451])
def test_a_refusal_is_not_asked_again(
    server: FileServer, transfer: Transfer, tmp_path: Path, status: int
) -> None:
    server.faults["/file"].append(Fault(status=status))
    with pytest.raises(RefusedError, match=str(status)):
        fetch(transfer, wanted(server), tmp_path / "file")
    assert len(server.seen) == 1


def test_a_dropped_connection_goes_on_by_range(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    server.faults["/file"].extend([Fault(break_after=300_000), Fault(break_after=500_000)])
    fetched, counted = fetch(transfer, wanted(server), tmp_path / "file")
    assert fetched.path.read_bytes() == DATA
    assert counted == len(DATA)
    first, second, third = server.asked("/file")
    assert first.range is None
    starts = [int(str(seen.range)[len("bytes=") : -1]) for seen in (second, third)]
    assert 0 < starts[0] <= 300_000 - OVERLAP
    assert starts[0] < starts[1] <= starts[0] + 500_000 - OVERLAP
    assert second.headers["if-range"] == '"v1"'


def test_a_later_process_goes_on_where_an_earlier_one_was_stopped(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    interrupt_at(server, transfer, tmp_path / "file", 700_000)
    fetched, counted = fetch(transfer, wanted(server), tmp_path / "file")
    assert fetched.path.read_bytes() == DATA
    assert counted == len(DATA)
    assert str(server.seen[-1].range).startswith("bytes=")


def test_a_server_without_ranges_starts_over(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA, ranges=False, etag=None)
    interrupt_at(server, transfer, tmp_path / "file", 700_000)
    fetched, counted = fetch(transfer, wanted(server), tmp_path / "file")
    assert server.seen[-1].range is not None
    assert fetched.path.read_bytes() == DATA
    assert counted == len(DATA)


@pytest.mark.parametrize("lying", [False, True], ids=["if-range kept", "if-range ignored"])
@pytest.mark.parametrize("etag", ['"v2"', None], ids=["new tag", "no tag"])
def test_content_that_changed_between_attempts_starts_over(
    server: FileServer, transfer: Transfer, tmp_path: Path, lying: bool, etag: str | None
) -> None:
    server.files["/file"] = Served(DATA, etag='"v1"' if etag else None)
    interrupt_at(server, transfer, tmp_path / "file", 700_000)
    server.files["/file"] = Served(OTHER, etag=etag, lying=lying)
    fetched, counted = fetch(transfer, wanted(server), tmp_path / "file")
    assert fetched.path.read_bytes() == OTHER
    assert counted == len(OTHER)


def test_content_that_became_shorter_starts_over(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    interrupt_at(server, transfer, tmp_path / "file", 700_000)
    server.files["/file"] = Served(DATA[:1000], etag='"v2"', lying=True)
    fetched, _ = fetch(transfer, wanted(server), tmp_path / "file")
    assert fetched.path.read_bytes() == DATA[:1000]


def test_bytes_of_something_else_are_not_gone_on_from(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    server.files["/new"] = Served(OTHER)
    interrupt_at(server, transfer, tmp_path / "file", 700_000)
    fetched, _ = fetch(transfer, wanted(server, "/new"), tmp_path / "file")
    assert server.asked("/new")[0].range is None
    assert fetched.path.read_bytes() == OTHER


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        '{"identity": 3}',
        "[]",
        '{"identity": "test:/file", "etag": null, "modified": 1, "total": "x"}',
    ],
)
def test_a_damaged_note_makes_the_file_start_over(
    server: FileServer, transfer: Transfer, tmp_path: Path, damage: str
) -> None:
    server.files["/file"] = Served(DATA)
    interrupt_at(server, transfer, tmp_path / "file", 700_000)
    (tmp_path / ".file.download.json").write_text(damage)
    fetched, _ = fetch(transfer, wanted(server), tmp_path / "file")
    assert server.seen[-1].range is None
    assert fetched.path.read_bytes() == DATA


def test_a_file_that_was_complete_when_the_process_died_is_not_fetched_again(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    content = {"identity": "test:/file", "etag": '"v1"', "modified": None, "total": len(DATA)}
    (tmp_path / ".file.download").write_bytes(DATA)
    (tmp_path / ".file.download.json").write_text(json.dumps(content))
    fetched, _ = fetch(transfer, wanted(server, sha=sha256(DATA).hexdigest()), tmp_path / "file")
    assert fetched.path.read_bytes() == DATA
    assert server.seen == []


def test_a_wrong_length_is_refused_before_anything_is_written(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA)
    with pytest.raises(RefusedError, match="offers 1,048,576 bytes where 5 are expected"):
        fetch(transfer, wanted(server, size=5), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_short_answer_with_a_success_status_is_asked_again(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA, chunked=True)
    server.faults["/file"].append(Fault(end_after=10_000))
    fetched, _ = fetch(transfer, wanted(server, size=len(DATA)), tmp_path / "file")
    assert fetched.path.read_bytes() == DATA


def test_wrong_bytes_are_fetched_once_more_and_then_reported(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    right = sha256(DATA).hexdigest()
    answers = [Served(OTHER), Served(DATA)]
    server.answerers["/file"] = lambda _: (answers.pop(0), None)
    fetched, _ = fetch(transfer, wanted(server, sha=right), tmp_path / "file")
    assert fetched.path.read_bytes() == DATA

    server.answerers["/file"] = lambda _: (Served(OTHER), None)
    with pytest.raises(WrongContentError, match=f"where {right} is expected"):
        fetch(transfer, wanted(server, sha=right), tmp_path / "again")
    assert not list(tmp_path.glob("*again*"))


def test_a_body_in_chunks_without_a_length_arrives(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(DATA, chunked=True)
    server.faults["/file"].append(Fault(break_after=500_000))
    fetched, counted = fetch(transfer, wanted(server), tmp_path / "file")
    assert fetched.path.read_bytes() == DATA
    assert counted == len(DATA)


def test_an_endless_body_is_cut_off(server: FileServer, transfer: Transfer, tmp_path: Path) -> None:
    server.files["/file"] = Served(bytes(1 << 25), chunked=True)
    with pytest.raises(RefusedError, match="sends more than the 16,777,216 bytes"):
        fetch(transfer, wanted(server), tmp_path / "file")
    assert all(path.stat().st_size < 1000 for path in tmp_path.iterdir())


def test_an_offer_beyond_the_limit_is_refused(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    server.files["/file"] = Served(b"", headers={"Content-Length": str(1 << 40)})
    with pytest.raises(RefusedError, match="more than the 16,777,216"):
        fetch(transfer, wanted(server), tmp_path / "file")


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({"Content-Type": "text/html; charset=utf-8"}, "a web page in place of the file"),
        ({"Content-Encoding": "gzip"}, "packs the file in a way nobody asked for"),
    ],
)
def test_answers_that_are_no_file(
    server: FileServer,
    transfer: Transfer,
    tmp_path: Path,
    headers: dict[str, str],
    complaint: str,
) -> None:
    server.files["/file"] = Served(DATA, headers=headers)
    with pytest.raises(RefusedError, match=complaint):
        fetch(transfer, wanted(server), tmp_path / "file")


def test_redirects_are_followed_and_the_key_stays_behind(
    server: FileServer, transfer: Transfer, tmp_path: Path
) -> None:
    with running() as elsewhere:
        elsewhere.files["/store"] = Served(DATA)
        server.faults["/file"].append(Fault(status=302, headers={"Location": "/here"}))
        server.faults["/here"].append(
            Fault(status=307, headers={"Location": f"{elsewhere.url}/store"})
        )
        want = Wanted(
            name="file",
            identity="file",
            locate=lambda: f"{server.url}/file",
            limit=1 << 24,
            key=KeyHeader("apikey", Secret(KEY)),
        )
        fetched, _ = fetch(transfer, want, tmp_path / "file")
        assert fetched.path.read_bytes() == DATA
        assert [seen.headers["apikey"] for seen in server.seen] == [KEY, KEY]
        assert all(KEY not in str(seen) for seen in elsewhere.seen)


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "data:,x", ""]
)
def test_redirects_that_lead_elsewhere_than_the_web_are_refused(
    server: FileServer, transfer: Transfer, tmp_path: Path, location: str
) -> None:
    server.faults["/file"].extend([Fault(status=302, headers={"Location": location})] * 20)
    with pytest.raises(DataError, match="redirect"):
        fetch(transfer, wanted(server), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_redirects_in_a_circle_end(server: FileServer, transfer: Transfer, tmp_path: Path) -> None:
    server.faults["/file"].extend([Fault(status=302, headers={"Location": "/file"})] * 20)
    with pytest.raises(RefusedError, match="more than 10 redirects"):
        fetch(transfer, wanted(server), tmp_path / "file")


def test_a_key_goes_over_https_only(transfer: Transfer, tmp_path: Path) -> None:
    want = Wanted(
        name="file",
        identity="file",
        locate=lambda: "http://api.example.org/file?token=hidden",
        limit=1,
        key=KeyHeader("apikey", Secret(KEY)),
    )
    with pytest.raises(DataError, match="https only") as caught:
        fetch(transfer, want, tmp_path / "file")
    assert KEY not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_work_that_is_to_end_ends(server: FileServer, tmp_path: Path) -> None:
    server.files["/file"] = Served(DATA)
    stop = threading.Event()
    stop.set()
    with Http() as http, pytest.raises(StoppedError):
        fetch(Transfer(http, Retry(stop=stop)), wanted(server), tmp_path / "file")


@given(
    breaks=st.lists(st.integers(0, len(DATA)), max_size=5),
    ranges=st.booleans(),
    lying=st.booleans(),
    tagged=st.booleans(),
    chunked=st.booleans(),
    change=st.integers(0, 5),
)
@settings(max_examples=25)
def test_whatever_breaks_and_changes_the_bytes_are_those_of_one_content(
    breaks: list[int], ranges: bool, lying: bool, tagged: bool, chunked: bool, change: int
) -> None:
    contents = [DATA, OTHER[:-1]]
    answers = 0

    def answer(_: Seen) -> tuple[Served, Fault | None]:
        nonlocal answers
        version = int(answers >= change)
        fault = Fault(break_after=breaks[answers]) if answers < len(breaks) else None
        answers += 1
        tag = f'"v{version}"' if tagged else None
        served = Served(contents[version], tag, ranges=ranges, lying=lying, chunked=chunked)
        return served, fault

    with running() as server, Http() as http, TemporaryDirectory() as folder:
        server.answerers["/file"] = answer
        patient = Transfer(http, Retry(attempts=20, first=0, longest=0))
        fetched, counted = fetch(patient, wanted(server), Path(folder) / "file")
        assert fetched.path.read_bytes() in contents
        assert counted == fetched.size
        assert len(list(Path(folder).iterdir())) == 1

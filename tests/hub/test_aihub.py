from __future__ import annotations

import io
import os
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from artcurate.errors import DataError, UsageError
from artcurate.hub import aihub
from artcurate.hub.aihub import AIHubFile, ListedFile
from artcurate.hub.credentials import aihub_key
from artcurate.hub.items import Work
from artcurate.hub.ledger import Ledger
from artcurate.hub.staging import Arrived
from artcurate.hub.transfer import ByteCount, Transfer
from artcurate.net.http import Http, RefusedError
from artcurate.net.retry import Retry
from artcurate.net.secret import Secret
from artcurate.progress import ProgressMode, meter

sys.path.insert(0, str(Path(__file__).parent))

from file_server import Fault, FileServer, Seen, Served, running

KEY = "AAAABBBB-1111-2222-3333-CCCCDDDDEEEE"
#: As AI Hub draws it, with the lines that stand around it.
TREE = """\
==========================================
The contents are encoded in UTF-8 including Korean characters.
=================공지사항===================
    └─018.감성대화
        ├─Training_221115_add
        │  ├─원천데이터
        │  │  └─감성대화말뭉치(최종데이터)_Training.zip | 8 MB | 66046
        │  └─라벨링데이터
        │      └─감성대화말뭉치(최종데이터)_Training.zip | 7 MB | 66047
        └─Validation_221115_add
            ├─라벨링데이터
            │  └─감성대화말뭉치(최종데이터)_Validation.zip | 942 KB | 66048
            └─원천데이터
                └─감성대화 말뭉치_Validation.zip | 1.2 GB | 66049
"""


def test_the_tree_gives_paths_sizes_and_keys() -> None:
    files = aihub.parse_tree(TREE)
    assert [(file.path, file.key) for file in files] == [
        (
            "018.감성대화/Training_221115_add/원천데이터/감성대화말뭉치(최종데이터)_Training.zip",
            66046,
        ),
        (
            "018.감성대화/Training_221115_add/라벨링데이터/감성대화말뭉치(최종데이터)_Training.zip",
            66047,
        ),
        (
            "018.감성대화/Validation_221115_add/라벨링데이터/감성대화말뭉치(최종데이터)_Validation.zip",
            66048,
        ),
        ("018.감성대화/Validation_221115_add/원천데이터/감성대화 말뭉치_Validation.zip", 66049),
    ]
    assert files[0].smallest == 7 << 20
    assert files[0].largest == 9 << 20
    assert files[3].smallest <= 1.2 * (1 << 30) <= files[3].largest


@pytest.mark.parametrize("name", ["..", "a/b.zip", "a\\b.zip", "a\x07.zip"])
def test_a_tree_cannot_lead_out_of_its_folder(name: str) -> None:
    with pytest.raises(DataError, match="may not be written"):
        aihub.parse_tree(f"└─top\n    └─{name} | 1 MB | 3\n")


def test_a_subset_is_words_or_keys() -> None:
    files = aihub.parse_tree(TREE)
    assert aihub.select(files, ()) == files
    assert [file.key for file in aihub.select(files, ("validation",))] == [66048, 66049]
    assert [file.key for file in aihub.select(files, ("66046", "라벨"))] == [66046, 66047, 66048]
    with pytest.raises(UsageError, match=r"66049 018\.감성대화/Validation"):
        aihub.select(files, ("Trainin_",))


def zipped(content: bytes = b"[]" * 500, name: str = "말뭉치.json") -> bytes:
    """Equal contents are equal archives, whenever they are made: ZipInfo dates them 1980."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with running() as server:
        monkeypatch.setenv(aihub.ENDPOINT_VARIABLE, server.url)
        yield server


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    with Http() as http:
        retry = Retry(attempts=3, first=0.001, longest=0.01)
        with meter("test", 1, unit="B", mode=ProgressMode.QUIET) as silent:
            yield Work(Transfer(http, retry), ByteCount(silent), Ledger(tmp_path / "home"))


LISTED = ListedFile("top/원천 데이터/말뭉치.zip", 0, 1 << 20, 7)
DOWN = "/down/0.6/86.do"


def fetch(work: Work, folder: Path, listed: ListedFile = LISTED) -> Arrived:
    return AIHubFile(86, listed, Secret(KEY)).fetch(folder, work)


def test_the_tree_is_good_though_its_status_is_502(server: FileServer, work: Work) -> None:
    server.faults["/info/86.do"].append(Fault(status=502, body=TREE.encode()))
    files = aihub.list_files(work.transfer.http, work.transfer.retry, 86)
    assert len(files) == 4
    assert len(server.seen) == 1


def test_a_502_without_a_tree_is_asked_again(server: FileServer, work: Work) -> None:
    server.faults["/info/86.do"].extend(
        [Fault(status=502, body=b"<html>Bad Gateway</html>"), Fault(status=502, body=TREE.encode())]
    )
    assert len(aihub.list_files(work.transfer.http, work.transfer.retry, 86)) == 4


def test_an_unknown_dataset_is_said_so(server: FileServer, work: Work) -> None:
    server.faults["/info/5.do"].append(
        Fault(status=502, body="페이지가 존재하지 않습니다.".encode())
    )
    with pytest.raises(RefusedError, match="knows no dataset 5"):
        aihub.list_files(work.transfer.http, work.transfer.retry, 5)


def test_a_file_comes_out_of_its_tar_with_the_key_in_a_header_only(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    content = zipped()
    server.files[DOWN] = Served(tarred({"top/원천 데이터/말뭉치.zip": content}), etag=None)
    arrived = fetch(work, tmp_path / "in")
    assert arrived == Arrived(LISTED.path, len(content), sha256(content).hexdigest())
    assert (tmp_path / "in" / LISTED.path).read_bytes() == content
    (seen,) = server.seen
    assert seen.headers["apikey"] == KEY
    assert seen.query == {"fileSn": ["7"]}
    assert [path.name for path in (tmp_path / "in" / "top" / "원천 데이터").iterdir()] == [
        "말뭉치.zip"
    ]


def test_parts_are_joined_in_the_order_of_their_numbers(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    content = zipped(os.urandom(11_000))
    cut = [content[place : place + 1000] for place in range(0, len(content), 1000)]
    assert len(cut) >= 11  # part10 stands before part2 where names are compared as text
    names = sorted(range(len(cut)), key=str)
    server.files[DOWN] = Served(tarred({f"말뭉치.zip.part{n}": cut[n] for n in names}))
    arrived = fetch(work, tmp_path)
    assert arrived.sha256 == sha256(content).hexdigest()


def test_parts_numbered_by_where_they_begin(server: FileServer, work: Work, tmp_path: Path) -> None:
    content = zipped(os.urandom(2500))
    server.files[DOWN] = Served(
        tarred({"말뭉치.zip.part0": content[:1000], "말뭉치.zip.part1000": content[1000:]})
    )
    assert fetch(work, tmp_path).size == len(content)


def test_a_lacking_part_is_fetched_again_and_then_reported(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    content = zipped(os.urandom(2500))
    lacking = tarred({"말뭉치.zip.part0": content[:1000], "말뭉치.zip.part2": content[2000:]})
    server.files[DOWN] = Served(lacking)
    with pytest.raises(DataError, match="before part 2 is missing"):
        fetch(work, tmp_path)
    assert len(server.seen) == 2
    assert not (tmp_path / LISTED.path).exists()


def cut_zip() -> bytes:
    return tarred({"말뭉치.zip": zipped(os.urandom(9000))[:4000]})


def cut_tar() -> bytes:
    return tarred({"말뭉치.zip": zipped(os.urandom(9000))})[:4000]


def flipped() -> bytes:
    content = bytearray(zipped(os.urandom(9000)))
    content[3000] ^= 1
    return tarred({"말뭉치.zip": bytes(content)})


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (cut_tar, "the tar that came is damaged"),
        (cut_zip, "cut off"),
        (flipped, "wrong checksums, 1 in all: 말뭉치.json"),
        (lambda: b"", "the tar that came is damaged"),
        (lambda: tarred({}), "does not hold it but nothing"),
        (lambda: tarred({"a.zip": b"", "b.zip": b""}), "does not hold it but a.zip, b.zip"),
    ],
    ids=["cut tar", "cut zip", "flipped bit", "empty", "empty tar", "other files"],
)
def test_a_short_or_wrong_file_with_a_success_status_is_fetched_again(
    server: FileServer,
    work: Work,
    tmp_path: Path,
    bad: Callable[[], bytes],
    complaint: str,
) -> None:
    content = zipped()
    answers = [Served(bad()), Served(tarred({"말뭉치.zip": content}))]
    server.answerers[DOWN] = lambda _: (answers.pop(0), None)
    assert fetch(work, tmp_path / "good").sha256 == sha256(content).hexdigest()

    server.answerers[DOWN] = lambda _: (Served(bad()), None)
    with pytest.raises(DataError, match=complaint):
        fetch(work, tmp_path / "bad")
    assert not [path for path in (tmp_path / "bad").rglob("*") if path.is_file()]


def test_a_file_much_shorter_than_listed_is_not_believed(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    listed = ListedFile(LISTED.path, 3 << 20, 5 << 20, 7)
    server.files[DOWN] = Served(tarred({"말뭉치.zip": zipped()}))
    with pytest.raises(DataError, match="lists 3,145,728 or more; it ended early"):
        fetch(work, tmp_path, listed)


def test_a_tar_far_larger_than_listed_is_cut_off(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    server.files[DOWN] = Served(bytes(1 << 23), chunked=True)
    with pytest.raises(RefusedError, match="sends more than"):
        fetch(work, tmp_path)


def test_paths_in_the_tar_are_not_used(server: FileServer, work: Work, tmp_path: Path) -> None:
    content = zipped()
    server.files[DOWN] = Served(tarred({"../../../말뭉치.zip": content}))
    fetch(work, tmp_path / "in")
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.zip")]
    assert files == [Path("in") / LISTED.path]


def test_a_refusal_is_told_in_the_words_of_aihub_and_without_the_key(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    words = f"다운로드 서비스는 신청 및 승인 후 이용 가능 합니다. ({KEY})"
    server.faults[DOWN].extend([Fault(status=502, body=words.encode())] * 9)
    with pytest.raises(RefusedError, match="신청 및 승인 후") as caught:
        fetch(work, tmp_path)
    assert KEY not in str(caught.value)
    assert len(server.seen) == 1


def test_words_with_a_success_status_are_no_file(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    server.files[DOWN] = Served(f"신규 버전을 다운로드해 주시기 바랍니다. {KEY}".encode())
    with pytest.raises(DataError, match="신규 버전을") as caught:
        fetch(work, tmp_path)
    assert KEY not in str(caught.value)


def test_a_gateway_that_fails_is_tried_again(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    server.files[DOWN] = Served(tarred({"말뭉치.zip": zipped()}))
    server.faults[DOWN].extend(
        [Fault(status=502, body=b"<html>502 Bad Gateway</html>"), Fault(break_after=900)]
    )
    assert fetch(work, tmp_path).size == len(zipped())


def test_a_file_that_changed_since_it_was_seen_first_is_reported(
    server: FileServer, work: Work, tmp_path: Path
) -> None:
    server.files[DOWN] = Served(tarred({"말뭉치.zip": zipped(b"one")}))
    first = fetch(work, tmp_path / "one")
    work.ledger.note_seen("aihub:86/7", first.sha256, first.size)
    server.files[DOWN] = Served(tarred({"말뭉치.zip": zipped(b"two")}), etag='"v2"')
    with pytest.raises(DataError, match=r"when it was fetched first on .*--fresh"):
        fetch(work, tmp_path / "two")
    assert fetch_again_is_first(server, work, tmp_path, first)


def fetch_again_is_first(server: FileServer, work: Work, folder: Path, first: Arrived) -> bool:
    server.files[DOWN] = Served(tarred({"말뭉치.zip": zipped(b"one")}), etag='"v3"')
    return fetch(work, folder / "three") == first


def test_several_files_come_at_once(server: FileServer, work: Work, tmp_path: Path) -> None:
    meeting = threading.Barrier(2, timeout=5)

    def answer(request: Seen) -> tuple[Served, None]:
        meeting.wait()
        return Served(tarred({"x.zip": zipped(request.query["fileSn"][0].encode())})), None

    server.answerers[DOWN] = answer
    listed = [ListedFile(f"{key}.zip", 0, 1 << 20, key) for key in (1, 2)]
    threads = [threading.Thread(target=fetch, args=(work, tmp_path, one)) for one in listed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["1.zip", "2.zip"]


def test_the_key_does_not_show_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIHUB_APIKEY", f" {KEY}\n")
    key = aihub_key()
    assert key.reveal() == KEY
    assert KEY not in f"{key} {key!r} {AIHubFile(86, LISTED, key)!r}"


@pytest.mark.parametrize("value", ["two words", "schlüssel", "line\nbreak"])
def test_a_key_that_cannot_be_one_is_refused_unseen(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("AIHUB_APIKEY", value)
    with pytest.raises(UsageError, match="AIHUB_APIKEY") as caught:
        aihub_key()
    assert value not in str(caught.value)


def test_without_a_key_the_way_to_one_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIHUB_APIKEY", raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with pytest.raises(UsageError, match="set AIHUB_APIKEY, or store it once"):
        aihub_key()


def test_a_key_may_lie_in_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")

    def stored(service: str, username: str) -> str | None:
        return KEY if (service, username) == ("artcurate", "aihub") else None

    monkeypatch.setattr(keyring, "get_password", stored)
    monkeypatch.delenv("AIHUB_APIKEY", raising=False)
    assert aihub_key().reveal() == KEY
    monkeypatch.setenv("AIHUB_APIKEY", "of-the-environment")
    assert aihub_key().reveal() == "of-the-environment"

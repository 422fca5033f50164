"""Downloads while servers fail for a whole run: a sentence, nothing that looks finished, and a
second run that ends with the same bytes as one that nothing disturbed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from artcurate.errors import DataError
from artcurate.hub.catalogue import source
from artcurate.hub.download import Downloaded, Request, download
from artcurate.hub.ledger import Ledger
from artcurate.net.retry import Retry

sys.path.insert(0, str(Path(__file__).parent))

from file_server import Answerer, Fault, FileServer, Seen, Served, running
from test_aihub import zipped
from test_download import COMMIT, REPO, SHARDS, publish, serve_aihub

RETRY = Retry(attempts=3, first=0.001, longest=0.01)
SHARD = f"/datasets/{REPO}/resolve/{COMMIT}/{SHARDS[1]}"
DATA = b"PAR1" + bytes(range(256)) * 400 + b"PAR1"
KEY = "AAAABBBB-1111-2222-3333-CCCCDDDDEEEE"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with running() as server:
        template = f"{server.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("ARTCURATE_AIHUB_ENDPOINT", server.url)
        monkeypatch.setenv("AIHUB_APIKEY", KEY)
        yield server


def get(name: str, folder: Path) -> Downloaded:
    return download(Request(source(name), folder / name), Ledger(folder), retry=RETRY)


def bytes_below(folder: Path) -> dict[str, bytes]:
    """The files that a reader would find; notes of ours are hidden."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def always(served: Served, fault: Fault | None = None) -> Answerer:
    return lambda _: (served, fault)


def redirecting(where: str) -> Answerer:
    return always(Served(b""), Fault(status=302, headers={"Location": where}))


HUB = {
    "500": (always(Served(DATA), Fault(status=500)), "500 Internal Server Error, 3 times"),
    "429": (
        always(Served(DATA), Fault(status=429, headers={"Retry-After": "0"})),
        "429 Too Many Requests, 3 times",
    ),
    "429, tomorrow": (
        always(Served(DATA), Fault(status=429, headers={"Retry-After": "86400"})),
        "asks to wait 86,400 seconds",
    ),
    "dropped in the middle": (
        always(Served(DATA), Fault(break_after=60_000)),
        "the connection to",
    ),
    "dropped, without ranges": (
        always(Served(DATA, ranges=False), Fault(break_after=60_000)),
        "the connection to",
    ),
    "wrong length": (always(Served(DATA + b"?")), "offers 102,409 bytes where 102,408"),
    "wrong bytes": (always(Served(DATA[:-1] + b"?")), sha256(DATA).hexdigest()),
    "short with a success": (
        always(Served(DATA), Fault(end_after=50_000)),
        "offers 50,000 bytes where 102,408",
    ),
    "short in chunks": (
        always(Served(DATA, chunked=True), Fault(end_after=50_000)),
        "the server ended at 50,000 of 102,408 bytes, 3 times",
    ),
    "redirects in a circle": (redirecting(SHARD), "more than 10 redirects"),
    "redirect off the web": (redirecting("ftp://example.org/x"), "is not followed"),
    "a page in its place": (always(Served(b"<html>", kind="text/html")), "a web page"),
}


@pytest.mark.parametrize(("answer", "said"), HUB.values(), ids=HUB.keys())
def test_a_second_run_brings_what_the_hub_holds(
    answer: Answerer, said: str, server: FileServer, tmp_path: Path
) -> None:
    publish(server, REPO, dict.fromkeys(SHARDS, DATA))
    server.answerers[SHARD] = answer
    with pytest.raises(DataError) as caught:
        get("artelingo", tmp_path)
    assert said in str(caught.value)
    assert not (tmp_path / "artelingo").exists()

    del server.answerers[SHARD]
    assert get("artelingo", tmp_path).fresh
    names = [Path(name).name for name in SHARDS]
    assert bytes_below(tmp_path / "artelingo") == dict.fromkeys(names, DATA)


def gateway(_: Served) -> tuple[Served | None, Fault | None]:
    return None, Fault(status=502, body=b"<html>502 Bad Gateway</html>")


def cut(whole: Served) -> tuple[Served | None, Fault | None]:
    return Served(whole.data[:1000]), None


def dropped(whole: Served) -> tuple[Served | None, Fault | None]:
    return whole, Fault(break_after=700)


def flipped(whole: Served) -> tuple[Served | None, Fault | None]:
    data = bytearray(whole.data)
    data[1500] ^= 1
    return Served(bytes(data)), None


AIHUB = {
    "gateway": (gateway, "502 Bad Gateway, 3 times in a row"),
    "short with a success": (cut, "the tar that came is damaged"),
    "dropped in the middle": (dropped, "the connection to"),
    "wrong bytes": (flipped, "wrong checksums"),
}


@pytest.mark.parametrize(("spoil", "said"), AIHUB.values(), ids=AIHUB.keys())
def test_a_second_run_brings_what_aihub_holds(
    spoil: Callable[[Served], tuple[Served | None, Fault | None]],
    said: str,
    server: FileServer,
    tmp_path: Path,
) -> None:
    raw = tmp_path / "raw"
    for number in range(3):
        (raw / "top").mkdir(parents=True, exist_ok=True)
        (raw / "top" / f"{number}.zip").write_bytes(zipped(os.urandom(3_000)))
    serve_aihub(server, 86, raw)
    path = "/down/0.6/86.do"
    right = server.answerers[path]

    def wrong(request: Seen) -> tuple[Served | None, Fault | None]:
        served, fault = right(request)
        return spoil(served) if served and request.query["fileSn"] == ["2"] else (served, fault)

    server.answerers[path] = wrong
    with pytest.raises(DataError) as caught:
        get("ecc", tmp_path)
    assert said in str(caught.value)
    assert KEY not in str(caught.value)
    assert not (tmp_path / "ecc").exists()

    server.answerers[path] = right
    assert get("ecc", tmp_path).fresh
    assert bytes_below(tmp_path / "ecc") == bytes_below(raw)

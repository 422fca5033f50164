from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from unicodedata import normalize

import polars as pl
import pytest

from artcurate.engines.local import LocalEngine
from artcurate.errors import DataError, UsageError
from artcurate.hub import download as download_module
from artcurate.hub import drive
from artcurate.hub.adopt import adopt
from artcurate.hub.catalogue import DrivePlace, Source, source
from artcurate.hub.download import Request, download
from artcurate.hub.ledger import Ledger
from artcurate.hub.status import status_of
from artcurate.hub.terms import require_acceptance
from artcurate.net.http import RefusedError
from artcurate.net.retry import Retry
from artcurate.pipeline import load_bundled, resolve
from artcurate.progress import ProgressMode
from artcurate.runner import find_inputs, read_inputs
from artcurate.sources.synthetic.korean import write_korean_sample
from artcurate.sources.synthetic.wikiart import PixelMode

sys.path.insert(0, str(Path(__file__).parent))

from file_server import Fault, FileServer, Seen, Served, running
from test_aihub import tarred, zipped

KEY = "AAAABBBB-1111-2222-3333-CCCCDDDDEEEE"
TOKEN = "hf_" + "s" * 30
COMMIT = "c" * 40
DRIVE_ID = "1vTChp3nU5GQeLkPwotrybpUGUXj12BTK"
RETRY = Retry(attempts=3, first=0.001, longest=0.01)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with running() as server:
        yield server


@pytest.fixture
def environment(server: FileServer, tmp_path: Path) -> dict[str, str]:
    """A machine whose ways to the outside all lead to the loopback server."""
    passed_on = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {
        **passed_on,
        "ARTCURATE_HOME": str(tmp_path / "home"),
        "ARTCURATE_AIHUB_ENDPOINT": server.url,
        "ARTCURATE_DRIVE_ENDPOINT": server.url,
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0",
        "AIHUB_APIKEY": KEY,
        "HF_TOKEN": TOKEN,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


def artcurate(
    environment: Mapping[str, str], *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "artcurate", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )


def nothing_tells(secret: str, folder: Path, *outputs: subprocess.CompletedProcess[str]) -> None:
    for done in outputs:
        assert secret not in done.stdout + done.stderr
    for path in folder.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def publish(server: FileServer, repo: str, files: Mapping[str, bytes]) -> None:
    """Serve `files` as a dataset repository, the way the Hub does."""
    siblings = [
        {
            "rfilename": name,
            "size": len(data),
            "blobId": "b" * 40,
            "lfs": {"sha256": sha256(data).hexdigest(), "size": len(data), "pointerSize": 130},
        }
        for name, data in files.items()
    ]
    body = {"id": repo, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}
    answer = Served(json.dumps(body).encode(), kind="application/json")
    server.files[f"/api/datasets/{repo}/revision/main"] = answer
    for name, data in files.items():
        path = f"/datasets/{repo}/resolve/{COMMIT}/{name}"
        server.files[path] = Served(data, etag=f'"{sha256(data).hexdigest()}"')


def hub_table(styles: int = 3) -> bytes:
    """Captions with pictures in the columns of the Hub's copy of ArtELingo."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.effect_noise((200, 160), 60).convert("RGB").save(buffer, "JPEG", quality=95)
    rows = [
        {
            "image": {"bytes": buffer.getvalue(), "path": f"p{number}.jpg"},
            "art_style": f"Style_{number % styles}",
            "painting": f"artist_p{number}",
            "emotion": "awe",
            "language": "english",
            "text": "The sky makes me feel small.",
            "split": "train",
        }
        for number in range(40)
    ]
    out = io.BytesIO()
    pl.DataFrame(rows).write_parquet(out, compression="uncompressed")
    return out.getvalue()


REPO = "youssef101/artelingo-dummy"
SHARDS = [f"data/train-0000{number}-of-00003.parquet" for number in range(3)]


def inputs_of(pipeline: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    monkeypatch.setenv("ARTCURATE_HOME", str(home))
    found = find_inputs(resolve(load_bundled(pipeline), []), {})
    return {name: [path.name for path in paths] for name, paths in found.items()}


def test_the_hub_copy_arrives_shard_by_shard_and_the_build_finds_it(
    server: FileServer,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = hub_table()
    publish(server, REPO, dict.fromkeys(SHARDS, data))
    server.faults[f"/api/datasets/{REPO}/revision/main"].append(
        Fault(status=503, headers={"Retry-After": "0"})
    )
    dropped = f"/datasets/{REPO}/resolve/{COMMIT}/{SHARDS[1]}"
    server.faults[dropped].append(Fault(break_after=len(data) // 2))
    done = artcurate(environment, "download", "artelingo", "--accept-licence")
    assert done.returncode == 0, done.stderr
    assert "Next: artcurate build artelingo" in done.stdout
    folder = tmp_path / "home" / "artelingo"
    assert sorted(path.name for path in folder.glob("*.parquet")) == [
        name.removeprefix("data/") for name in SHARDS
    ]
    assert all(path.read_bytes() == data for path in folder.glob("*.parquet"))
    assert [bool(seen.range) for seen in server.asked(dropped)] == [False, True]
    assert inputs_of("artelingo", tmp_path / "home", monkeypatch) == {
        "annotations": [name.removeprefix("data/") for name in SHARDS]
    }

    before = len(server.asked(dropped))
    again = artcurate(environment, "download", "artelingo")
    assert "everything is there already" in again.stdout
    assert len(server.asked(dropped)) == before
    assert any(TOKEN in seen.headers.get("authorization", "") for seen in server.seen)
    nothing_tells(TOKEN, tmp_path, done, again)


def test_a_download_killed_in_the_middle_never_looks_finished_and_goes_on(
    server: FileServer,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = hub_table() + os.urandom(1 << 21)
    publish(server, REPO, dict.fromkeys(SHARDS, data))
    server.pause_per_chunk = 0.01
    command = [sys.executable, "-m", "artcurate", "download", "artelingo", "--accept-licence"]
    staging = tmp_path / "home" / ".artelingo.downloading"
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while sum(path.stat().st_size for path in staging.glob(".*.download")) < 600_000:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "home" / "artelingo").exists()
    with pytest.raises(UsageError, match="nothing to build from"):
        inputs_of("artelingo", tmp_path / "home", monkeypatch)
    assert "unfinished download" in artcurate(environment, "sources").stdout

    server.pause_per_chunk = 0
    killed = len(server.seen)
    done = artcurate(environment, "download", "artelingo")
    assert done.returncode == 0, done.stderr
    ranges = [seen.range for seen in server.seen[killed:] if seen.path.endswith(".parquet")]
    assert any(ranges)
    folder = tmp_path / "home" / "artelingo"
    assert all(path.read_bytes() == data for path in folder.glob("*.parquet"))
    assert len(list(folder.glob("*.parquet"))) == 3
    assert not staging.exists()


def test_a_shard_with_wrong_bytes_is_not_taken(
    server: FileServer, environment: dict[str, str], tmp_path: Path
) -> None:
    data = hub_table()
    publish(server, REPO, {SHARDS[0]: data})
    path = f"/datasets/{REPO}/resolve/{COMMIT}/{SHARDS[0]}"
    server.files[path] = Served(data[:-1] + b"?")
    done = artcurate(environment, "download", "artelingo", "--accept-licence")
    assert done.returncode == 1
    assert f"where {sha256(data).hexdigest()} is expected" in done.stderr
    assert not (tmp_path / "home" / "artelingo").exists()


def test_the_token_does_not_follow_to_where_the_bytes_lie(
    server: FileServer, environment: dict[str, str]
) -> None:
    data = hub_table()
    publish(server, REPO, {SHARDS[0]: data})
    path = f"/datasets/{REPO}/resolve/{COMMIT}/{SHARDS[0]}"
    with running() as store:
        store.files["/bucket/x"] = Served(data)
        server.faults[path].append(
            Fault(status=302, headers={"Location": f"{store.url}/bucket/x?signature=s"})
        )
        done = artcurate(environment, "download", "artelingo", "--accept-licence")
        assert done.returncode == 0, done.stderr
        assert TOKEN in server.asked(path)[0].headers["authorization"]
        assert all("authorization" not in seen.headers for seen in store.seen)


def test_a_dataset_that_is_not_there_names_the_way_by_hand(
    server: FileServer, environment: dict[str, str]
) -> None:
    server.faults[f"/api/datasets/{REPO}/revision/main"].append(
        Fault(status=404, headers={"X-Error-Code": "RepoNotFound"})
    )
    done = artcurate(environment, "download", "artelingo", "--accept-licence")
    assert done.returncode == 1
    assert "the Hub has no such dataset" in done.stderr
    assert "artcurate download artelingo --from artelingo_release.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_copy_that_no_build_reads_comes_on_demand_and_says_so(
    server: FileServer, environment: dict[str, str], tmp_path: Path
) -> None:
    publish(server, "huggan/wikiart", {"data/a.parquet": hub_table()})
    done = artcurate(
        environment, "download", "wikiart", "--place", "huggan/wikiart", "--accept-licence"
    )
    assert done.returncode == 0, done.stderr
    assert "No bundled pipeline reads it" in done.stdout
    assert "artcurate download wikiart --from wikiart.zip" in done.stdout
    assert (tmp_path / "home" / "wikiart-huggan" / "a.parquet").is_file()
    again = artcurate(environment, "download", "wikiart", "--place", "huggan/wikiart", "--json")
    assert json.loads(again.stdout)["buildable"] is False
    wrong = artcurate(environment, "download", "wikiart", "--place", "huggan")
    assert wrong.returncode == 2
    assert "wikiart comes from drive, huggan/wikiart, Artificio/WikiArt" in wrong.stderr


def test_a_proxy_that_answers_in_place_of_the_hub(
    server: FileServer, environment: dict[str, str]
) -> None:
    server.files[f"/api/datasets/{REPO}/revision/main"] = Served(b"<html>log in</html>")
    done = artcurate(environment, "download", "artelingo", "--accept-licence")
    assert done.returncode == 1
    assert "what answered is not the Hub" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_machine_that_is_told_to_stay_offline(environment: dict[str, str]) -> None:
    offline = {**environment, "HF_HUB_OFFLINE": "1"}
    done = artcurate(offline, "download", "artelingo", "--accept-licence")
    assert done.returncode == 2
    assert "HF_HUB_OFFLINE is set" in done.stderr


def test_what_the_user_put_there_is_left_alone(
    server: FileServer, environment: dict[str, str], tmp_path: Path
) -> None:
    data = hub_table()
    publish(server, REPO, {SHARDS[0]: data})
    mine = tmp_path / "home" / "artelingo" / SHARDS[0].removeprefix("data/")
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    done = artcurate(environment, "download", "artelingo", "--accept-licence")
    assert done.returncode == 2
    assert "put there by hand" in done.stderr
    assert mine.read_bytes() == b"mine"
    assert artcurate(environment, "download", "artelingo", "--fresh").returncode == 0
    assert mine.read_bytes() == data


def test_control_c_stops_at_once_and_keeps_what_came(
    server: FileServer, environment: dict[str, str], tmp_path: Path
) -> None:
    publish(server, REPO, {SHARDS[0]: os.urandom(1 << 22)})
    server.pause_per_chunk = 0.02
    command = [sys.executable, "-m", "artcurate", "download", "artelingo", "--accept-licence"]
    kept = tmp_path / "home" / ".artelingo.downloading"
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while sum(path.stat().st_size for path in kept.glob(".*.download")) < 300_000:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; the same command goes on" in errors
    assert "Traceback" not in errors
    assert sum(path.stat().st_size for path in kept.glob(".*.download")) >= 300_000


def test_no_files_of_a_subset(server: FileServer, environment: dict[str, str]) -> None:
    publish(server, REPO, {SHARDS[0]: b"x"})
    done = artcurate(
        environment, "download", "artelingo", "--accept-licence", "--subset", "nowhere"
    )
    assert done.returncode == 2
    assert "--subset nowhere: no file is called so" in done.stderr
    assert SHARDS[0] in done.stderr


def test_terms_are_accepted_once_and_before_anything_is_asked(
    server: FileServer, environment: dict[str, str]
) -> None:
    publish(server, REPO, {SHARDS[0]: hub_table()})
    refused = artcurate(environment, "download", "artelingo")
    assert refused.returncode == 2
    assert "add --accept-licence; nothing was downloaded" in refused.stderr
    assert "research use under KAUST's terms" in refused.stderr
    assert server.seen == []
    accepted = artcurate(environment, "download", "artelingo", "--accept-licence")
    assert "KAUST" in accepted.stderr
    again = artcurate(environment, "download", "artelingo")
    assert (again.returncode, again.stderr) == (0, "")


def test_a_person_is_asked_and_may_say_no(tmp_path: Path) -> None:
    ledger, told = Ledger(tmp_path), list[str]()
    ecc = source("ecc")
    with pytest.raises(UsageError, match="were not accepted"):
        require_acceptance(ecc, ledger, accepted=False, ask=lambda: False, say=told.append)
    assert "Redistribution is not allowed" in told[0]
    assert not ledger.has_accepted(ecc)
    require_acceptance(ecc, ledger, accepted=False, ask=lambda: True, say=told.append)
    require_acceptance(ecc, Ledger(tmp_path), accepted=False, ask=None, say=told.append)
    assert len(told) == 2


def test_terms_that_were_reworded_are_asked_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ecc = source("ecc")
    ledger.accept(ecc)
    assert ledger.has_accepted(ecc)
    assert not ledger.has_accepted(ecc.model_copy(update={"terms": "other"}))
    assert not ledger.has_accepted(source("cid"))


def test_a_corpus_behind_a_form_shows_the_steps(environment: dict[str, str]) -> None:
    done = artcurate(environment, "download", "artemis", "--accept-licence")
    assert done.returncode == 2
    assert "only a person gets through" in done.stderr
    assert "1. Open the address" in done.stderr
    assert "--from artemis_dataset_release_v0.csv" in done.stderr


def test_an_unknown_corpus_is_answered_with_the_nearest(environment: dict[str, str]) -> None:
    done = artcurate(environment, "download", "artelinggo")
    assert done.returncode == 2
    assert "did you mean 'artelingo'?" in done.stderr


def serve_aihub(server: FileServer, dataset: int, folder: Path) -> list[str]:
    """Serve the files below `folder` as AI Hub serves a dataset; returns their paths."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    lines = ["=====공지사항====="]
    known: list[str] = []
    for key, path in enumerate(paths, 1):
        parts = path.relative_to(folder).parts
        for depth, part in enumerate(parts[:-1]):
            if "/".join(parts[: depth + 1]) not in known:
                known.append("/".join(parts[: depth + 1]))
                lines.append(f"{'    ' * (depth + 1)}└─{part}")
        size = max(path.stat().st_size // 1024, 1)
        lines.append(f"{'    ' * len(parts)}├─{parts[-1]} | {size} KB | {key}")
    server.faults[f"/info/{dataset}.do"].extend(
        [Fault(status=502, body="\n".join(lines).encode())] * 5
    )

    def answer(request: Seen) -> tuple[Served | None, Fault | None]:
        if request.headers.get("apikey") != KEY:
            return None, Fault(status=502, body="승인 후 이용 가능 합니다.".encode())
        path = paths[int(request.query["fileSn"][0]) - 1]
        name = path.relative_to(folder).as_posix()
        return Served(tarred({name: path.read_bytes()}), etag=None, ranges=False), None

    server.answerers[f"/down/0.6/{dataset}.do"] = answer
    return [path.relative_to(folder).as_posix() for path in paths]


def test_both_korean_corpora_arrive_and_the_pairing_finds_them(
    server: FileServer,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = tmp_path / "raw"
    write_korean_sample(
        raw,
        persons=12,
        dialogues=100,
        images=140,
        seed=1,
        pixels=PixelMode.THUMBNAIL,
        engine=LocalEngine(workers=1),
        progress=ProgressMode.QUIET,
    )
    outputs = []
    for name, dataset in (("ecc", 86), ("cid", 82)):
        paths = serve_aihub(server, dataset, raw / name)
        done = artcurate(environment, "download", name, "--accept-licence", "--json")
        assert done.returncode == 0, done.stderr
        outputs.append(done)
        folder = tmp_path / "home" / name
        for path in paths:
            assert (folder / path).read_bytes() == (raw / name / path).read_bytes()
    nothing_tells(KEY, tmp_path, *outputs)
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    pipeline = resolve(load_bundled("korean"), [])
    found = find_inputs(pipeline, {})
    assert {name: [path.name for path in paths] for name, paths in found.items()} == {
        "ecc": ["ecc"],
        "cid": ["cid"],
    }
    corpus = read_inputs(pipeline, found)
    assert corpus.annotations.height
    assert corpus.images.height


def test_a_part_of_a_corpus_comes_with_subset_and_the_rest_later(
    server: FileServer, environment: dict[str, str], tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    for name in ("Training/a.zip", "Validation/b.zip"):
        (raw / "018.top" / name).parent.mkdir(parents=True)
        (raw / "018.top" / name).write_bytes(zipped(os.urandom(3000)))
    serve_aihub(server, 86, raw)
    folder = tmp_path / "home" / "ecc" / "018.top"
    part = artcurate(environment, "download", "ecc", "--accept-licence", "--subset", "validation")
    assert part.returncode == 0, part.stderr
    assert [path.name for path in folder.rglob("*.zip")] == ["b.zip"]
    whole = artcurate(environment, "download", "ecc")
    assert whole.returncode == 0, whole.stderr
    assert sorted(path.name for path in folder.rglob("*.zip")) == ["a.zip", "b.zip"]
    assert artcurate(environment, "download", "ecc").stdout.count("there already") == 1


def test_without_approval_the_words_of_aihub_and_no_traceback(
    server: FileServer, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.zip").write_bytes(zipped())
    serve_aihub(server, 86, tmp_path / "raw")
    other = {**environment, "AIHUB_APIKEY": "WRONG-KEY-0000"}
    done = artcurate(other, "download", "ecc", "--accept-licence")
    assert done.returncode == 1
    assert "승인 후 이용 가능" in done.stderr
    assert "Traceback" not in done.stderr
    nothing_tells("WRONG-KEY-0000", tmp_path / "home", done)


def test_without_a_key(environment: dict[str, str]) -> None:
    without = {name: value for name, value in environment.items() if name != "AIHUB_APIKEY"}
    done = artcurate(without, "download", "ecc", "--accept-licence")
    assert done.returncode == 2
    assert "set AIHUB_APIKEY" in done.stderr
    assert "1. Register at https://www.aihub.or.kr" in done.stderr


STYLES = ("Baroque", "Cubism")
MOJIBAKE = normalize("NFC", "antã³nio-de-carvalho-da-silva-porto_rua.jpg")


def archive(*, damage: str | None = None) -> bytes:
    buffer = io.BytesIO()
    names = [f"wikiart/{style}/artist_p{n}.jpg" for style in STYLES for n in range(3)]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for name in [*names, f"wikiart/Baroque/{MOJIBAKE}"]:
            packed.writestr(zipfile.ZipInfo(name), f"picture {name}".encode() * 50)
        packed.writestr(zipfile.ZipInfo("wikiart/style_train.csv"), "x,1\r\n")
        packed.writestr(zipfile.ZipInfo("__MACOSX/wikiart/Baroque/._artist_p0.jpg"), "junk")
    data = bytearray(buffer.getvalue())
    if damage:
        place = data.index(f"picture wikiart/{damage}".encode())
        data[place] ^= 1
    return bytes(data)


def small_wikiart(**changes: object) -> Source:
    """WikiArt's entry with an archive of a size that this machine can hold."""
    wikiart = source("wikiart")
    (place, *others) = wikiart.places
    assert isinstance(place, DrivePlace)
    small = place.model_copy(update={"size": 20_000, **changes})
    return wikiart.model_copy(update={"places": (small, *others)})


def scan_page(address: str) -> bytes:
    """The page about the virus scan, on one line as gdown's parser needs it."""
    fields = {"id": DRIVE_ID, "export": "download", "confirm": "t", "uuid": "5f0c"}
    hidden = "".join(f'<input type="hidden" name="{k}" value="{v}">' for k, v in fields.items())
    form = f'<form id="download-form" action="{address}" method="get">{hidden}</form>'
    return f"<!DOCTYPE html><html><body><p>cannot scan</p>{form}</body></html>".encode()


@pytest.fixture
def google(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    monkeypatch.setenv(drive.ENDPOINT_VARIABLE, server.url)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    server.files["/uc"] = Served(
        scan_page(f"{server.url}/download"), kind="text/html; charset=utf-8"
    )
    server.files["/download"] = Served(
        archive(), etag=None, modified="Mon, 01 Jan 2024 00:00:00 GMT"
    )
    return server


def get_wikiart(folder: Path, wikiart: Source, **options: object) -> download_module.Downloaded:
    request = Request(wikiart, folder / "wikiart")
    return download(replace(request, **options), Ledger(folder), retry=RETRY)  # type: ignore[arg-type]


def test_the_archive_comes_past_the_scan_page_and_is_unpacked(
    google: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    google.faults["/download"].append(Fault(break_after=3000))
    done = get_wikiart(tmp_path, small_wikiart())
    (first, *_) = google.asked("/download")
    assert first.query == {
        "id": [DRIVE_ID],
        "export": ["download"],
        "confirm": ["t"],
        "uuid": ["5f0c"],
    }
    files = sorted(path.relative_to(done.folder).as_posix() for path in done.folder.rglob("*.jpg"))
    assert len(files) == 7
    assert f"Baroque/{MOJIBAKE}" in files
    assert not list(done.folder.rglob("*.zip"))
    assert done.receipt.files[0].sha256 == sha256(archive()).hexdigest()
    (tmp_path / "artelingo").mkdir()
    (tmp_path / "artelingo" / "captions.csv").write_text("x\n")
    assert inputs_of("artelingo", tmp_path, monkeypatch) == {
        "annotations": ["captions.csv"],
        "images": ["wikiart"],
    }


def test_a_small_file_needs_no_scan_page(google: FileServer, tmp_path: Path) -> None:
    google.files["/uc"] = Served(archive())
    assert len(list(get_wikiart(tmp_path, small_wikiart()).folder.rglob("*.jpg"))) == 7


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        (b"<html>Google Drive - Quota exceeded</html>", "too many people fetched it today"),
        (b"<html><form id='download-form'></form></html>", "gives no way"),
        (b"<html>Sign in</html>", "gives no way"),
    ],
)
def test_a_drive_that_refuses_leads_on_to_the_hub_and_in_the_end_names_the_way_by_hand(
    google: FileServer, tmp_path: Path, page: bytes, complaint: str
) -> None:
    google.files["/uc"] = Served(page, kind="text/html")
    with pytest.raises(RefusedError, match=complaint) as caught:
        get_wikiart(tmp_path, small_wikiart())
    assert "huggan/wikiart: the Hub has no such dataset" in str(caught.value)
    assert "Artificio/WikiArt: the Hub has no such dataset" in str(caught.value)
    assert "artcurate download wikiart --from wikiart.zip" in str(caught.value)


QUOTA = Served(b"<html>Google Drive - Quota exceeded</html>", kind="text/html")


def test_where_drive_gives_nothing_the_next_place_is_tried_and_said_so(
    google: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = f"{google.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    google.files["/uc"] = QUOTA
    data = hub_table()
    publish(google, "Artificio/WikiArt", {"data/a.parquet": data})
    lines: list[str] = []
    request = Request(small_wikiart(), tmp_path / "wikiart")
    done = download(request, Ledger(tmp_path), retry=RETRY, say=lines.append)
    assert not done.buildable
    assert (tmp_path / "wikiart-artificio" / "a.parquet").read_bytes() == data
    assert not (tmp_path / "wikiart").exists()
    (drive_line, huggan_line) = (i for i, line in enumerate(lines) if line.startswith("Trying"))
    assert "too many people fetched it today" in lines[drive_line - 1]
    assert lines[drive_line].startswith("Trying huggan/wikiart instead.")
    assert "the Hub has no such dataset" in lines[huggan_line - 1]
    assert lines[huggan_line].startswith("Trying Artificio/WikiArt instead.")


def test_a_drive_that_cannot_be_reached_leads_on_too(
    google: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(drive.ENDPOINT_VARIABLE, "http://127.0.0.1:9")
    template = f"{google.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    publish(google, "huggan/wikiart", {"data/a.parquet": hub_table()})
    got = get_wikiart(tmp_path, small_wikiart())
    assert (got.folder.name, got.buildable) == ("wikiart-huggan", False)


def test_an_archive_that_has_begun_to_arrive_is_not_given_up_for_another(
    google: FileServer, tmp_path: Path
) -> None:
    google.faults["/download"].extend([Fault(break_after=2_000)] * RETRY.attempts)
    with pytest.raises(DataError, match="goes on from what is there"):
        get_wikiart(tmp_path, small_wikiart())
    assert not google.asked("/api/datasets/huggan/wikiart/revision/main")
    assert get_wikiart(tmp_path, small_wikiart()).folder == tmp_path / "wikiart"


def test_named_places_and_styles_are_not_sought_elsewhere(
    google: FileServer, tmp_path: Path
) -> None:
    google.files["/uc"] = QUOTA
    for options in ({"place": "drive"}, {"subset": ("Baroque",)}):
        with pytest.raises(RefusedError, match="too many people") as caught:
            get_wikiart(tmp_path, small_wikiart(), **options)
        assert "huggan" not in str(caught.value)


def test_a_page_behind_the_scan_page_is_no_archive(google: FileServer, tmp_path: Path) -> None:
    google.files["/download"] = Served(b"<html>quota</html>", kind="text/html")
    with pytest.raises(RefusedError, match="a web page in place of the file"):
        get_wikiart(tmp_path, small_wikiart())


def test_damaged_members_are_named_and_left_out_only_on_demand(
    google: FileServer, tmp_path: Path
) -> None:
    damaged = archive(damage="Cubism/artist_p1.jpg")
    google.files["/download"] = Served(damaged)
    with pytest.raises(DataError, match=r"wrong checksums, 1 in all: wikiart/Cubism/artist_p1"):
        get_wikiart(tmp_path, small_wikiart())
    assert not (tmp_path / "wikiart").exists()
    fetched = len(google.asked("/download"))
    done = get_wikiart(tmp_path, small_wikiart(), skip_damaged=True)
    assert len(google.asked("/download")) == fetched
    assert done.receipt.damaged == ("wikiart/Cubism/artist_p1.jpg",)
    assert len(list(done.folder.rglob("*.jpg"))) == 6

    google.files["/download"] = Served(archive(), etag='"mended"')
    mended = get_wikiart(tmp_path, small_wikiart(), start_over=True)
    assert len(list(mended.folder.rglob("*.jpg"))) == 7


def test_only_the_styles_that_are_wanted_are_unpacked(google: FileServer, tmp_path: Path) -> None:
    done = get_wikiart(tmp_path, small_wikiart(), subset=("Cubism",))
    assert [path.name for path in done.folder.iterdir() if path.is_dir()] == ["Cubism"]
    with pytest.raises(DataError, match="has no style Cubsim; it has Baroque, Cubism"):
        get_wikiart(tmp_path / "b", small_wikiart(), subset=("Cubsim",))


def test_a_part_is_not_taken_for_the_whole(google: FileServer, tmp_path: Path) -> None:
    part = get_wikiart(tmp_path, small_wikiart(), subset=("Cubism",))
    assert "only Cubism" in status_of(small_wikiart(), tmp_path).words
    assert not get_wikiart(tmp_path, small_wikiart(), subset=("Cubism",)).fresh

    whole = get_wikiart(tmp_path, small_wikiart())
    assert whole.fresh
    assert len(list(whole.folder.rglob("*.jpg"))) > len(list((part.folder / "Cubism").iterdir()))
    assert "only" not in status_of(small_wikiart(), tmp_path).words
    assert not get_wikiart(tmp_path, small_wikiart()).fresh


def test_what_was_taken_over_by_hand_is_not_fetched_again(
    google: FileServer, tmp_path: Path
) -> None:
    get_wikiart(tmp_path / "given", small_wikiart())
    adopt(Request(source("wikiart"), tmp_path / "wikiart"), tmp_path / "given" / "wikiart")
    asked = len(google.seen)

    assert not get_wikiart(tmp_path, small_wikiart()).fresh
    assert len(google.seen) == asked


def test_a_pinned_checksum_is_held(google: FileServer, tmp_path: Path) -> None:
    right = sha256(archive()).hexdigest()
    assert get_wikiart(tmp_path / "a", small_wikiart(sha256=right)).fresh
    with pytest.raises(DataError, match="is expected"):
        get_wikiart(tmp_path / "b", small_wikiart(sha256="0" * 64))


def test_the_checksum_seen_first_is_held_later(google: FileServer, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "home")
    download(Request(small_wikiart(), tmp_path / "a" / "wikiart"), ledger, retry=RETRY)
    again = Request(small_wikiart(), tmp_path / "b" / "wikiart")
    other = io.BytesIO(archive())
    with zipfile.ZipFile(other, "a") as packed:
        packed.writestr("wikiart/Cubism/new.jpg", "new")
    google.files["/download"] = Served(other.getvalue())
    with pytest.raises(DataError, match="when it was fetched first on"):
        download(again, ledger, retry=RETRY)
    assert download(replace(again, start_over=True), ledger, retry=RETRY).fresh


def test_a_disk_that_is_too_small_is_noticed_first(google: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="are needed and"):
        get_wikiart(tmp_path, small_wikiart(size=10**16))
    assert google.asked("/download") == []


def test_two_downloads_into_one_folder_do_not_meet(google: FileServer, tmp_path: Path) -> None:
    from artcurate.hub.staging import open_staging

    with (
        open_staging(tmp_path / "wikiart"),
        pytest.raises(UsageError, match=r"another download into .* is running"),
    ):
        get_wikiart(tmp_path, small_wikiart())

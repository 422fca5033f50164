"""Publishing while the Hub or the network fails: one sentence, nothing lost, a second run ends."""

from __future__ import annotations

from collections import Counter

import pytest
from conftest import CommandLine, Dataset, Ended
from hub_server import Fault, HubServer

REPO = "somebody/paintings"
AGAIN = "run the same command again"


def publish(artcurate: CommandLine, dataset: Dataset) -> Ended:
    return artcurate("publish", dataset.out, "--repo", REPO)


def assert_complete(server: HubServer, dataset: Dataset) -> None:
    there = server.hub.files(REPO)
    for path in dataset.out.rglob("*"):
        name = path.relative_to(dataset.out).as_posix()
        if path.is_file() and name != "README.md":
            assert there[name] == path.read_bytes(), name
    assert b"artcurate:end" in there["README.md"]
    assert [ref for ref in server.hub.find(REPO).refs if ref.startswith("refs/tags/v")]


def assert_one_sentence(ended: Ended) -> None:
    assert ended.code == 1, ended.err
    assert "Traceback" not in ended.err
    assert ended.err.startswith(f"error: {REPO}: ")
    assert ended.err.count("\n") == 1
    assert ended.err.rstrip().endswith(".")


PASSING = {
    "a file server's 500": Fault("PUT", "/large/", status=500),
    "a file server's 429": Fault("PUT", "/large/", status=429, headers={"Retry-After": "7"}),
    "a connection dropped in the middle of a PUT": Fault("PUT", "/large/", drop=True, times=2),
    "a commit's 503": Fault("POST", "/commit/", status=503),
    "a commit's 429": Fault("POST", "/commit/", status=429, headers={"Retry-After": "0"}),
    "a commit whose answer is lost": Fault("POST", "/commit/", lose=True),
    "a creation whose answer is lost": Fault("POST", "repos/create", lose=True),
    "a dropped batch": Fault("POST", "objects/batch", lose=True),
    "a dropped tree": Fault("GET", "/tree/", drop=True),
    "a connection dropped in the middle of a GET": Fault("GET", "/resolve/", drop=True, times=3),
    "a tag's 502": Fault("POST", "/tag/", status=502),
    "whoami's 500": Fault("GET", "whoami", status=500),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_passes_is_waited_for(
    fault: Fault, paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    server.faults = [Fault(**vars(fault))]
    ended = publish(artcurate, paintings)

    assert ended.code == 0, ended.err
    assert not any(one.times for one in server.faults)
    assert_complete(server, paintings)
    assert len(server.hub.find(REPO).history("main")) == 2


def test_the_pause_that_the_server_asks_for_is_kept(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    server.faults = [Fault("PUT", "/large/", status=429, headers={"Retry-After": "7"})]
    publish(artcurate, paintings)

    assert [pause for pause in server.pauses if pause >= 7]


LASTING = {
    "file server down": (Fault("PUT", "/large/", status=500, times=999), "answers 500"),
    "line too weak": (Fault("PUT", "/large/", drop=True, times=999), "the connection to the Hub"),
    "rate limit": (Fault("POST", "/commit/", status=429, times=999), "answered 429"),
    "rate limit until later": (
        Fault("POST", "/commit/", status=429, headers={"Retry-After": "4000"}, times=999),
        "asks to wait 4,000 seconds",
    ),
    "no answer's end": (Fault("GET", "/tree/", drop=True, times=999), "the connection to the Hub"),
    "Hub down": (Fault("GET", "whoami", status=503, times=999), "answered 503"),
    "payment": (Fault("POST", "repos/create", status=402, message="upgrade to PRO"), "PRO"),
    "no rights": (Fault("POST", "repos/create", status=403, message="read-only token"), "token"),
    "quota, batch": (
        Fault("POST", "objects/batch", status=403, message="storage quota exceeded"),
        "storage quota exceeded",
    ),
    "quota, file": (Fault("PUT", "/large/", status=413, message="too large"), "want of room"),
    "quota, commit": (
        Fault("POST", "/commit/", status=403, message="private storage limit reached"),
        "private storage limit reached",
    ),
    "bad answer": (Fault("POST", "/commit/", status=418, message="teapot"), "418 (teapot)"),
}


@pytest.mark.parametrize(("fault", "said"), LASTING.values(), ids=LASTING.keys())
def test_what_lasts_is_told_in_a_sentence_and_a_second_run_finishes(
    fault: Fault, said: str, paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    server.faults = [Fault(**vars(fault))]
    failed = publish(artcurate, paintings)

    assert_one_sentence(failed)
    assert said in failed.err
    if REPO in server.hub.repositories:
        assert list(server.hub.files(REPO)) == [".gitattributes"]

    server.faults = []
    finished = publish(artcurate, paintings)
    assert finished.code == 0, finished.err
    assert_complete(server, paintings)


def test_a_second_run_sends_only_what_is_missing(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    server.faults = [Fault("POST", "/commit/", status=403, message="no")]
    publish(artcurate, paintings)
    sent = len(server.sent("PUT", "/large/"))
    publish(artcurate, paintings)

    shards = len(list(paintings.out.rglob("*.parquet")))
    assert len(server.sent("PUT", "/large/")) == sent == shards


def test_an_upload_that_stops_halfway_goes_on_from_there(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    def stop_after_three() -> None:
        if len(server.hub.large) >= 3:
            server.token_valid = False

    server.faults = [Fault("PUT", "/large/", before=stop_after_three, times=999)]
    failed = publish(artcurate, paintings)
    assert failed.code == 1

    server.faults, server.token_valid = [], True
    publish(artcurate, paintings)
    assert_complete(server, paintings)
    per_object = Counter(one.path for one in server.sent("PUT", "/large/"))
    assert set(per_object.values()) == {1}


def test_a_commit_race_loses_nothing_of_either_side(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    def somebody_else() -> None:
        server.hub.write(REPO, {"THEIRS.md": b"mine"}, "by somebody else")

    server.faults = [Fault("POST", "/commit/", before=somebody_else)]
    lost = publish(artcurate, paintings)

    assert_one_sentence(lost)
    assert "somebody else changed the repository" in lost.err
    assert AGAIN in lost.err
    assert set(server.hub.files(REPO)) == {".gitattributes", "THEIRS.md"}

    assert publish(artcurate, paintings).code == 0
    assert_complete(server, paintings)
    assert server.hub.files(REPO)["THEIRS.md"] == b"mine"
    assert server.hub.find(REPO).history("main")[1] == "by somebody else"


def test_an_expired_token_is_told_before_and_during_the_work(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    server.token_valid = False
    refused = publish(artcurate, paintings)
    assert_one_sentence(refused)
    assert "does not accept your token" in refused.err
    assert "hf auth login" in refused.err

    server.token_valid = True

    def expire() -> None:
        server.token_valid = False

    server.faults = [Fault("POST", "/commit/", before=expire)]
    expired = publish(artcurate, paintings)
    assert_one_sentence(expired)
    assert "does not accept your token" in expired.err

    server.token_valid = True
    assert publish(artcurate, paintings).code == 0
    assert_complete(server, paintings)


def test_without_a_token_the_way_to_one_is_told(
    paintings: Dataset,
    server: HubServer,
    artcurate: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: object,
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", f"{tmp_path}/none")
    refused = publish(artcurate, paintings)

    assert refused.code == 2
    assert "hf auth login" in refused.err
    assert not server.requests


@pytest.mark.parametrize("name", ["no-slash", "a/b/c", "some body/x", "somebody/.."])
def test_a_name_that_is_no_repository_is_a_wrong_call(
    name: str, paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    refused = artcurate("publish", paintings.out, "--repo", name)

    assert refused.code == 2
    assert "USER/NAME" in refused.err
    assert not server.hub.repositories


def test_what_arrived_otherwise_than_sent_is_found_and_mended_by_a_second_run(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    shard = "data/test-00000-of-00001.parquet"

    def tamper() -> None:
        if len(server.hub.find(REPO).history("main")) == 2:
            server.hub.write(REPO, {shard: b"rotten", "split.json": b"{}"}, "tampered")
            repository = server.hub.find(REPO)
            head = repository.refs["refs/heads/main"]
            first = repository.parents[head]
            repository.trees[str(first)] = repository.trees[head]

    server.faults = [Fault("POST", "/nothing/", before=tamper)]
    server.faults = [Fault("GET", "/revision/[0-9a-f]{40}", before=tamper)]
    failed = publish(artcurate, paintings)

    assert_one_sentence(failed)
    assert f"{shard} is not what was sent" in failed.err
    assert "split.json is not what was sent" in failed.err
    assert not [ref for ref in server.hub.find(REPO).refs if ref.startswith("refs/tags/")]

    assert publish(artcurate, paintings).code == 0
    assert_complete(server, paintings)


def test_a_card_on_the_hub_that_cannot_be_taken_apart_stops_everything(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    server.hub.create(REPO, private=True)
    server.hub.write(REPO, {"README.md": b"---\ntags: [\n---\n# mine\n"})
    refused = publish(artcurate, paintings)

    assert refused.code == 1
    assert f"README.md of {REPO}" in refused.err
    assert "Traceback" not in refused.err
    assert set(server.hub.files(REPO)) == {".gitattributes", "README.md"}

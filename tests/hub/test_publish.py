"""What a publication leaves on the Hub, told by what the server holds and what was sent to it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from conftest import CommandLine, Dataset
from hub_server import TOKEN, Fault, HubServer

from artcurate.errors import DataError, UsageError
from artcurate.hub.catalogue import Permission, Source, source
from artcurate.hub.contents import sent_bytes
from artcurate.hub.publish import Publication, Wishes, carry_out, make_plan, prepare, publish
from artcurate.hub.refusals import RaceError
from artcurate.hub.remote import Remote
from artcurate.package.validate import dataset_schema

REPO = "somebody/paintings"


def local_files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_dataset_arrives_in_one_private_tagged_commit(
    paintings: Dataset, server: HubServer
) -> None:
    published = publish(paintings.out, REPO, Wishes())

    there = server.hub.files(REPO)
    mine = local_files(paintings.out)
    assert there.keys() - mine.keys() == {".gitattributes"}
    assert {name for name in mine if there[name] != mine[name]} == {"README.md"}
    repository = server.hub.find(REPO)
    assert repository.private
    assert len(repository.history("main")) == 2
    assert repository.refs["refs/heads/main"] == published.commit
    assert repository.refs[f"refs/tags/{published.tag}"] == published.commit


def test_the_card_on_the_hub_is_the_dataset_card_between_two_comments(
    paintings: Dataset, server: HubServer
) -> None:
    publish(paintings.out, REPO, Wishes())

    ours = (paintings.out / "README.md").read_text(encoding="utf-8")
    there = server.hub.files(REPO)["README.md"].decode()
    head = yaml.safe_load(there.split("---\n")[1])
    assert "ArtELingo: Non-commercial research use" in head.pop("extra_gated_prompt")
    assert "checkbox" in head.pop("extra_gated_fields").values()
    assert head == yaml.safe_load(ours.split("---\n")[1])
    assert ours.split("---\n", 2)[2].strip() in there


def test_a_second_run_sends_nothing_and_commits_nothing(
    paintings: Dataset, server: HubServer
) -> None:
    first = publish(paintings.out, REPO, Wishes())
    before = len(server.requests)
    second = publish(paintings.out, REPO, Wishes())

    assert (second.commit, second.tag, second.sent) == (first.commit, first.tag, 0)
    later = server.requests[before:]
    assert not [one for one in later if one.method == "PUT" or "/commit/" in one.path]


def test_shards_that_are_no_longer_there_go_in_the_same_commit_and_hand_made_files_stay(
    paintings: Dataset, server: HubServer
) -> None:
    server.hub.create(REPO, private=True)
    server.hub.write(
        REPO,
        {
            "data/train-00000-of-00009.parquet": b"old",
            "recipe/paintings/train.parquet": b"old",
            "NOTES.md": b"by hand",
            "data/readme.txt": b"by hand",
        },
    )
    publish(paintings.out, REPO, Wishes())

    there = server.hub.files(REPO)
    assert "data/train-00000-of-00009.parquet" not in there
    assert "recipe/paintings/train.parquet" not in there
    assert there["NOTES.md"] == there["data/readme.txt"] == b"by hand"
    assert len(server.hub.find(REPO).history("main")) == 3


def test_what_maintainers_wrote_on_the_hub_survives_every_publication(
    paintings: Dataset, server: HubServer, tmp_path: Path
) -> None:
    publish(paintings.out, REPO, Wishes())
    card = server.hub.files(REPO)["README.md"].decode()
    card = card.replace("tags:\n", "tags:\n- chosen-by-hand\n", 1).replace(
        "## Columns", "## A note inside\n\nby hand\n\n## Columns"
    )
    server.hub.write(REPO, {"README.md": f"{card}\n## Contact\n\nwrite to us\n".encode()})
    changed = tmp_path / "changed"
    shutil.copytree(paintings.out, changed)
    text = (changed / "README.md").read_text(encoding="utf-8")
    (changed / "README.md").write_text(text.replace("## Known limits", "## Limits"))
    publish(changed, REPO, Wishes())
    publish(changed, REPO, Wishes())

    there = server.hub.files(REPO)["README.md"].decode()
    ours, _, theirs = there.partition("<!-- artcurate:end -->")
    assert there.count("## Contact\n\nwrite to us") == 1
    assert theirs.count("## A note inside\n\nby hand") == 1
    assert "## Limits" in ours
    assert "## Known limits" not in there
    assert "chosen-by-hand" in yaml.safe_load(there.split("---\n")[1])["tags"]


def test_a_changed_publication_gets_a_tag_of_its_own(paintings: Dataset, server: HubServer) -> None:
    first = publish(paintings.out, REPO, Wishes())
    server.hub.write(REPO, {"split.json": b"{}"})
    second = publish(paintings.out, REPO, Wishes())

    assert second.tag == f"{first.tag}-2"
    repository = server.hub.find(REPO)
    assert repository.refs[f"refs/tags/{first.tag}"] == first.commit
    server.hub.write(REPO, {"split.json": b"{}"})
    with pytest.raises(UsageError, match="names another commit already"):
        publish(paintings.out, REPO, Wishes(tag=first.tag))


@pytest.mark.parametrize("tag", ["two words", "a..b", "-x", ".x", "x.", "x.lock", "a/b", "a~1", ""])
def test_a_name_that_is_no_tag_is_told_before_anything_is_sent(
    paintings: Dataset, server: HubServer, tag: str
) -> None:
    with pytest.raises(UsageError, match="--tag"):
        publish(paintings.out, REPO, Wishes(tag=tag))
    assert not server.hub.repositories


def test_nothing_goes_where_everybody_can_see_it_unasked(
    paintings: Dataset, server: HubServer
) -> None:
    server.hub.create(REPO, private=False)

    with pytest.raises(UsageError, match="is public already"):
        publish(paintings.out, REPO, Wishes())

    assert list(server.hub.files(REPO)) == [".gitattributes"]


def test_public_only_where_every_licence_allows_it(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    refused = artcurate("publish", paintings.out, "--repo", REPO, "--public")

    assert refused.code == 2
    assert "wikiart does not let this be passed on: pixels (paintings.image)" in refused.err
    assert "artelingo does not let this be passed on: text (paintings.captions" in refused.err
    assert "--recipe" in refused.err
    assert not server.requests

    allowed = artcurate(
        *("publish", paintings.out, "--repo", REPO, "--public"),
        *("--permitted", "wikiart", "--permitted", "artelingo"),
    )
    assert allowed.code == 0, allowed.err
    assert not server.hub.find(REPO).private


def test_a_repository_becomes_public_only_after_its_commit_was_read_back(
    paintings: Dataset, server: HubServer
) -> None:
    publish(paintings.out, REPO, Wishes(public=True, permitted=("wikiart", "artelingo")))

    order = [one.path for one in server.requests]
    made_public = next(i for i, one in enumerate(server.requests) if b'"public"' in one.body)
    committed = next(i for i, path in enumerate(order) if "/commit/" in path)
    assert json.loads(server.sent("POST", "repos/create")[0].body)["visibility"] == "private"
    assert committed < made_public
    assert any("/tree/" in path for path in order[committed:made_public])


def test_faces_are_gated_before_they_arrive(faces: Dataset, server: HubServer) -> None:
    wishes = Wishes(permitted=("cid", "ecc"))
    publication = prepare(faces.out, wishes, sources=[lenient("cid"), lenient("ecc")])
    remote = Remote("somebody/faces")
    carry_out(make_plan(publication, remote, wishes), remote, publication.name)

    assert server.hub.find("somebody/faces").gated == "manual"
    order = [one.path for one in server.requests]
    gated = next(i for i, path in enumerate(order) if path.endswith("/settings"))
    assert gated < next(i for i, path in enumerate(order) if "/large/" in path)
    head = yaml.safe_load(
        server.hub.files("somebody/faces")["README.md"].decode().split("---\n")[1]
    )
    assert "faces of living persons" in head["extra_gated_prompt"]
    assert "checkbox" in head["extra_gated_fields"].values()


def lenient(name: str) -> Source:
    known = source(name)
    allowed = dict.fromkeys(("text", "pixels", "derivatives"), Permission.WITH_PERMISSION)
    return known.model_copy(update={"redistribute": known.redistribute.model_copy(update=allowed)})


def test_closed_sources_are_refused_even_privately(
    faces: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    refused = artcurate("publish", faces.out, "--repo", "somebody/faces")

    assert refused.code == 2
    assert "ecc does not let this be passed on" in refused.err
    assert "cid does not let this be passed on" in refused.err
    assert "add --recipe" in refused.err
    assert "leave --public out" not in refused.err
    assert not server.requests


def test_a_dry_run_prints_the_whole_plan_and_changes_nothing(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    planned = artcurate("publish", paintings.out, "--repo", REPO, "--dry-run", "--json")

    assert planned.code == 0, planned.err
    plan = json.loads(planned.out)
    mine = local_files(paintings.out)
    sizes = {one["name"]: one["bytes"] for one in plan["files"] if one["name"] != "README.md"}
    assert sizes == {name: len(data) for name, data in mine.items() if name != "README.md"}
    assert {one["fate"] for one in plan["files"]} == {"new"}
    assert plan["bytes_to_send"] == sum(one["bytes"] for one in plan["files"])
    assert {"source": "wikiart", "material": "pixels"}.items() <= plan["licence_gate"][4].items()
    assert not server.hub.repositories
    assert {one.method for one in server.requests} == {"GET"}

    shown = artcurate("publish", paintings.out, "--repo", REPO, "--dry-run")
    assert "data/test-00000-of-00001.parquet" in shown.out
    assert "licence gate" in shown.out


def test_a_plan_tells_bytes_that_the_hub_knows_from_new_ones(
    paintings: Dataset, server: HubServer, artcurate: CommandLine
) -> None:
    server.hub.create(REPO, private=True)
    shard = paintings.out / "data" / "test-00000-of-00001.parquet"
    server.hub.write(REPO, {"elsewhere/copy.parquet": shard.read_bytes()})
    planned = artcurate("publish", paintings.out, "--repo", REPO, "--dry-run", "--json")

    files = {one["name"]: one for one in json.loads(planned.out)["files"]}
    assert files["data/test-00000-of-00001.parquet"]["bytes_to_send"] == 0
    assert files["data/train-00000-of-00001.parquet"]["bytes_to_send"] > 0


def test_a_damaged_dataset_is_not_published(
    paintings: Dataset, server: HubServer, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(paintings.out, damaged)
    shard = damaged / "annotations" / "test-00000-of-00001.parquet"
    shutil.copy(damaged / "annotations" / "train-00000-of-00001.parquet", shard)

    with pytest.raises(DataError, match="not valid, so nothing was published") as caught:
        publish(damaged, REPO, Wishes())

    assert "annotations/test-00000-of-00001.parquet" in str(caught.value)
    assert not server.requests


def test_more_than_a_hundred_files_go_through_a_pull_request_and_appear_at_once(
    paintings: Dataset, server: HubServer
) -> None:
    wishes = Wishes()
    publication = many_files(prepare(paintings.out, wishes), 230)
    heads: list[set[str]] = []
    server.hub.create(REPO, private=True)

    def look() -> None:
        heads.append(set(server.hub.files(REPO)))

    server.faults.append(Fault("POST", "/commit/", before=look, times=9))
    remote = Remote(REPO)
    published = carry_out(make_plan(publication, remote, wishes), remote, "paintings")

    there = server.hub.files(REPO)
    assert sum(name.startswith("figures/") for name in there) == 230
    assert len(server.sent("POST", "/commit/")) == 3
    assert heads == [{".gitattributes"}] * 3
    assert server.hub.find(REPO).refs["refs/heads/main"] == published.commit
    assert {pull.status for pull in server.hub.find(REPO).pulls.values()} == {"merged"}


def test_a_pull_request_is_not_merged_when_somebody_else_was_faster(
    paintings: Dataset, server: HubServer
) -> None:
    wishes = Wishes()
    publication = many_files(prepare(paintings.out, wishes), 120)
    server.hub.create(REPO, private=True)

    def somebody_else() -> None:
        server.hub.write(REPO, {"THEIRS.md": b"mine"})

    server.faults.append(Fault("POST", "/commit/", before=somebody_else))
    remote = Remote(REPO)
    with pytest.raises(RaceError, match="nothing was merged"):
        carry_out(make_plan(publication, remote, wishes), remote, "paintings")
    assert set(server.hub.files(REPO)) == {".gitattributes", "THEIRS.md"}

    carry_out(make_plan(publication, remote, wishes), remote, "paintings")
    assert {"THEIRS.md", "figures/119.txt"} <= set(server.hub.files(REPO))
    pulls = server.hub.find(REPO).pulls.values()
    assert [pull.status for pull in pulls] == ["closed", "merged"]


def test_what_is_committed_in_the_moment_of_the_merge_stays_and_ours_arrives(
    paintings: Dataset, server: HubServer
) -> None:
    wishes = Wishes()
    publication = many_files(prepare(paintings.out, wishes), 120)
    server.hub.create(REPO, private=True)

    def somebody_else() -> None:
        server.hub.write(REPO, {"THEIRS.md": b"mine"})

    server.faults.append(Fault("POST", "/merge$", before=somebody_else))
    remote = Remote(REPO)
    carry_out(make_plan(publication, remote, wishes), remote, "paintings")

    there = server.hub.files(REPO)
    assert there["THEIRS.md"] == b"mine"
    assert all(
        there[one.name] == one.read() for one in publication.files if "README" not in one.name
    )


def test_a_file_that_both_sides_change_stops_the_merge_and_a_second_run_keeps_both(
    paintings: Dataset, server: HubServer
) -> None:
    wishes = Wishes()
    publication = many_files(prepare(paintings.out, wishes), 120)
    server.hub.create(REPO, private=True)

    def somebody_else() -> None:
        server.hub.write(REPO, {"README.md": b"# By hand\n"})

    server.faults.append(Fault("POST", "/merge$", before=somebody_else))
    remote = Remote(REPO)
    with pytest.raises(RaceError, match="run the same command again"):
        carry_out(make_plan(publication, remote, wishes), remote, "paintings")
    assert set(server.hub.files(REPO)) == {".gitattributes", "README.md"}

    carry_out(make_plan(publication, remote, wishes), remote, "paintings")
    there = server.hub.files(REPO)
    assert b"# By hand" in there["README.md"]
    assert "figures/119.txt" in there


@pytest.mark.parametrize("lost", ["/discussions$", "/commit/", "/status$", "/merge$"])
def test_a_pull_request_survives_the_loss_of_any_answer(
    lost: str, paintings: Dataset, server: HubServer
) -> None:
    wishes = Wishes()
    publication = many_files(prepare(paintings.out, wishes), 120)
    server.hub.create(REPO, private=True)
    fault = Fault("POST", lost, lose=True)
    server.faults.append(fault)
    remote = Remote(REPO)
    carry_out(make_plan(publication, remote, wishes), remote, "paintings")

    assert not fault.times
    there = server.hub.files(REPO)
    assert all(
        there[one.name] == one.read() for one in publication.files if "README" not in one.name
    )
    statuses = {pull.status for pull in server.hub.find(REPO).pulls.values()}
    assert statuses <= {"merged", "closed"}


def many_files(publication: Publication, count: int) -> Publication:
    more = [sent_bytes(f"figures/{i:03}.txt", b"%d" % i) for i in range(count)]
    return replace(publication, files=(*publication.files, *more))


def test_large_files_may_go_in_parts(paintings: Dataset, server: HubServer) -> None:
    server.chunk_size = 5_000
    publish(paintings.out, REPO, Wishes())

    shard = "data/train-00000-of-00001.parquet"
    assert server.hub.files(REPO)[shard] == (paintings.out / shard).read_bytes()
    assert server.sent("PUT", r"/large/[0-9a-f]+/2$")


def test_the_token_goes_to_the_hub_and_nowhere_else(
    paintings: Dataset, server: HubServer, artcurate: CommandLine, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(paintings.out, copy)
    ended = artcurate("publish", copy, "--repo", REPO)
    server.token_valid = False
    refused = artcurate("publish", copy, "--repo", REPO)

    assert (ended.code, refused.code) == (0, 1)
    assert TOKEN not in ended.out + ended.err + refused.out + refused.err
    assert not [one for one in server.requests if TOKEN.encode() in one.body]
    to_the_store = server.sent("PUT", "/large/") + server.sent("GET", "/large/")
    assert to_the_store
    assert not [one for one in to_the_store if "Authorization" in one.headers]
    assert not [path for path in tmp_path.rglob("*") if is_with_token(path)]


def is_with_token(path: Path) -> bool:
    return path.is_file() and TOKEN.encode() in path.read_bytes()


def test_a_chosen_salt_stays_with_its_publisher(faces: Dataset, tmp_path: Path) -> None:
    salted = tmp_path / "salted"
    shutil.copytree(faces.out, salted)
    pipeline = yaml.safe_load((salted / "pipeline.yaml").read_text(encoding="utf-8"))
    (step,) = (one["pseudonyms"] for one in pipeline["steps"] if "pseudonyms" in one)
    step["salt"] = "a long secret of the publisher"
    (salted / "pipeline.yaml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")

    for wishes in (Wishes(recipe=True), Wishes()):
        publication = prepare(salted, wishes)
        sent = b"".join(file.read() for file in publication.files)
        assert b"a long secret of the publisher" not in sent


READ_BACK = """
import sys
from datasets import load_dataset
repo = sys.argv[1]
for config in ("paintings", "annotations"):
    whole = load_dataset(repo, config, split="train")
    streamed = list(load_dataset(repo, config, split="train", streaming=True))
    assert len(streamed) == whole.num_rows > 0
    key = "painting_id" if config == "paintings" else "id"
    assert [row[key] for row in streamed] == whole[key][:]
    if config == "paintings":
        assert streamed[0]["image"].size == whole[0]["image"].size
import artcurate
captions = artcurate.load(repo, "captions")
row = captions["train"][0]
assert row["soft_label"].shape == (9,) and row["image"].size[0] > 0
print(whole.num_rows)
"""


def test_load_dataset_reads_the_repository_back_streaming_too(
    paintings: Dataset, server: HubServer, tmp_path: Path
) -> None:
    publish(paintings.out, REPO, Wishes())
    done = subprocess.run(
        [sys.executable, "-c", READ_BACK, REPO],
        env={**os.environ, **server.environment(), "HF_HOME": str(tmp_path / "hf")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_the_plan_hashes_what_is_sent(paintings: Dataset) -> None:
    publication = prepare(paintings.out, Wishes())

    assert all(
        hashlib.sha256(file.read()).hexdigest() == file.sha256 and len(file.read()) == file.size
        for file in publication.files
    )
    assert publication.schema == dataset_schema(paintings.out)

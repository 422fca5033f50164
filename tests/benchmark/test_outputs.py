"""What a benchmark leaves in the dataset, and what it refuses."""

from __future__ import annotations

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import polars as pl
import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from artcurate.benchmark import publish as publishing
from artcurate.benchmark.compare import compare
from artcurate.benchmark.controls import Control
from artcurate.benchmark.dataset import check_splits, read_examples
from artcurate.benchmark.pictures import ShardPictures
from artcurate.benchmark.presets import LitePreset, load_preset
from artcurate.benchmark.run import benchmark, evaluate
from artcurate.benchmark.scores import FILE_NAME, json_schema, read_scores
from artcurate.benchmark.shown import BEGIN, with_block
from artcurate.benchmark.task import Modality
from artcurate.cli import app
from artcurate.errors import DataError, UsageError
from artcurate.images.faults import Fault, FaultReason
from artcurate.package.lock import read_lock
from artcurate.package.validate import validate
from artcurate.resources import folder as bundled

OUTPUTS = {"scores.json", "report.html", "predictions", "figures", "eval.yaml"}


def quick() -> LitePreset:
    loaded = load_preset("lite")
    assert isinstance(loaded, LitePreset)
    return loaded.model_copy(update={"seeds": 2, "resamples": 100, "draws": 2, "shuffles": 2})


def score(folder: Path, controls: frozenset[Control] = frozenset()) -> None:
    benchmark(folder, quick(), preset_name="lite", controls=controls)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_scored_dataset_is_still_valid_and_its_scores_fit_their_schema(artelingo: Path) -> None:
    score(artelingo, frozenset(Control))

    assert {path.name for path in artelingo.iterdir()} >= OUTPUTS
    assert list(validate(artelingo)) == []
    content = json.loads((artelingo / FILE_NAME).read_text())
    jsonschema.Draft202012Validator(json_schema()).validate(content)
    scores = read_scores(artelingo, read_lock(artelingo))
    assert scores.human is not None
    assert scores.overlap is not None
    assert {one.control for one in scores.controls} == {
        "labels_shuffled",
        "pairs_shuffled",
        "pairs_redrawn",
        "modality_removed",
        "attributes",
    }


def test_the_schema_on_file_is_the_one_of_the_code() -> None:
    on_file = json.loads((bundled("schemas") / "scores.schema.json").read_text())

    assert on_file == json_schema()


def test_predictions_give_the_scores_again(artelingo: Path) -> None:
    from sklearn.metrics import f1_score

    score(artelingo)

    scores = read_scores(artelingo, read_lock(artelingo))
    examples = pl.read_parquet(artelingo / "predictions" / "examples.parquet")
    for system in scores.systems:
        said = pl.read_parquet(artelingo / "predictions" / f"{system.name}.parquet")
        seeds = [
            f1_score(one["label"], one["predicted"], average="macro", zero_division=0)
            for _, one in said.join(examples, on="id").group_by("seed")
        ]
        assert system.macro_f1.mean == pytest.approx(sum(seeds) / len(seeds), abs=1e-5)


def test_figures_are_pictures_and_the_hubs_file_names_three_tasks(artelingo: Path) -> None:
    score(artelingo)

    for figure in (artelingo / "figures").iterdir():
        assert Image.open(io.BytesIO(figure.read_bytes())).format == "PNG"
    tasks = yaml.safe_load((artelingo / "eval.yaml").read_text())["tasks"]
    assert [task["id"] for task in tasks] == [
        "artelingo-text-only",
        "artelingo-image-only",
        "artelingo-fusion",
    ]
    assert {(task["config"], task["split"]) for task in tasks} == {("annotations", "test")}


def test_scoring_again_replaces_the_cards_block_and_keeps_the_rest(artelingo: Path) -> None:
    card = artelingo / "README.md"
    before = card.read_text()

    score(artelingo)
    once = card.read_text()
    score(artelingo)
    twice = card.read_text()

    assert once.count(BEGIN) == twice.count(BEGIN) == 1
    assert "## Reference scores" in twice
    assert len(twice) == pytest.approx(len(once), abs=50)
    start, end = once.index(BEGIN), once.index("<!-- /artcurate benchmark -->")
    assert once[:start].split() + once[end:].split()[4:] == before.split()


def test_a_card_of_another_hand_gets_the_block_at_its_end() -> None:
    assert with_block("# Mine\n", "BLOCK\n") == "# Mine\n\nBLOCK\n"


def test_the_same_seeds_give_the_same_predictions(artelingo: Path) -> None:
    score(artelingo)
    first = snapshot(artelingo / "predictions")
    score(artelingo)

    assert snapshot(artelingo / "predictions") == first


def test_an_interruption_between_two_files_leaves_what_stood_there(
    artelingo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(artelingo)
    before = snapshot(artelingo)
    rename = Path.rename
    count = 0

    def interrupted(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == 6:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publishing.replace_together(
            artelingo,
            {"scores.json": b"new", "eval.yaml": b"new", "figures/a.png": b"new", "new/b": b"new"},
        )
    monkeypatch.undo()

    assert snapshot(artelingo) == before
    assert list(artelingo.parent.iterdir()) == [artelingo]


def test_an_interrupted_training_writes_nothing(
    artelingo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from artcurate.benchmark.lite import LiteTier

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = snapshot(artelingo)
    monkeypatch.setattr(LiteTier, "learn", stop)
    with pytest.raises(KeyboardInterrupt):
        score(artelingo)

    assert snapshot(artelingo) == before


def test_scores_of_other_shards_are_stale(artelingo: Path) -> None:
    score(artelingo)
    lock = read_lock(artelingo)
    other = replace(lock, shards=(replace(lock.shards[0], sha256="0" * 64), *lock.shards[1:]))

    with pytest.raises(DataError, match="the scores are stale, the shards changed"):
        read_scores(artelingo, other)


def test_a_picture_that_cannot_be_decoded_is_named_and_counted(artelingo: Path) -> None:
    raw = read_examples(artelingo)
    image = raw.inputs["image"]

    class Damaged(ShardPictures):
        def decode(self, place: int, *, min_side: int | None = None) -> Image.Image | Fault:
            if place == 0:
                return Fault(FaultReason.TRUNCATED, "The image data ends early.")
            return super().decode(place, min_side=min_side)

    assert isinstance(image.values, ShardPictures)
    image.values.__class__ = Damaged
    hit = raw.ids[image.index == 0].tolist()

    scores = evaluate(raw, quick(), preset_name="lite", controls=frozenset()).scores

    assert [one.id for one in scores.left_out] == hit
    assert sum(scores.splits.values()) == len(raw) - len(hit)
    assert any(f"{len(hit)} examples could not be read" in one.text for one in scores.alarms)


def test_empty_captions_are_counted(artelingo: Path) -> None:
    raw = read_examples(artelingo)
    text = raw.inputs["text"]
    index = text.index.copy()
    index[:5] = len(text.values) - 1
    blank = replace(raw, inputs={**raw.inputs, "text": Modality(text.values, index)})

    scores = evaluate(blank, quick(), preset_name="lite", controls=frozenset()).scores

    assert any("5 examples have a text without a letter" in one.text for one in scores.alarms)


def test_one_class_only_is_refused(artelingo: Path) -> None:
    examples = read_examples(artelingo)
    one = replace(examples.labels, index=examples.labels.index * 0, soft=examples.labels.soft)

    with pytest.raises(DataError, match="every training example is amusement"):
        check_splits(artelingo, replace(examples, labels=one))


def test_a_dataset_compared_with_itself_has_not_changed(artelingo: Path) -> None:
    score(artelingo)

    found = compare(artelingo, artelingo)

    assert found.paired
    assert all(one.change.mean == 0 and not one.beyond_noise for one in found.changes)


def test_other_classes_cannot_be_compared(artelingo: Path, korean: Path) -> None:
    score(artelingo)
    score(korean)

    with pytest.raises(UsageError, match="have other classes"):
        compare(artelingo, korean)


def test_scores_of_other_settings_are_not_compared(artelingo: Path, tmp_path: Path) -> None:
    score(artelingo)
    other = Path(shutil.copytree(artelingo, tmp_path / "other"))
    more_seeds = quick().model_copy(update={"seeds": 3})
    benchmark(other, more_seeds, preset_name="lite", controls=frozenset())
    assert compare(artelingo, other).paired

    stronger = quick().model_copy(update={"penalties": (3.0,)})
    benchmark(other, stronger, preset_name="lite", controls=frozenset())
    with pytest.raises(UsageError, match=r"scored with other settings \(penalties\)"):
        compare(artelingo, other)


@pytest.mark.parametrize("name", ["concatenation", "late", "stacking"])
def test_a_modality_called_as_a_fusion_is_refused_before_anything_is_written(
    artelingo: Path, tmp_path: Path, name: str
) -> None:
    examples = read_examples(artelingo)
    rows = {"id": examples.ids.tolist(), "features": [[1.0]] * len(examples)}
    pl.DataFrame(rows).write_parquet(tmp_path / "x.parquet")
    before = snapshot(artelingo)
    given = ["benchmark", str(artelingo), "--features", f"{name}={tmp_path / 'x.parquet'}"]
    result = CliRunner().invoke(app, given)
    assert isinstance(result.exception, UsageError)
    assert "a fusion of the benchmark has that name" in str(result.exception)
    assert snapshot(artelingo) == before


def test_small_cells_and_votes_that_all_agree_are_told(korean: Path) -> None:
    score(korean)
    told = {one.code: one.text for one in read_scores(korean, read_lock(korean)).alarms}
    assert re.search(r"fewer than 20 test examples .* \(\d+\)", told["small_cells"])
    assert "set no human ceiling" in told["unanimous_votes"]


def test_a_korean_dataset_is_scored_with_its_own_draws(korean: Path) -> None:
    score(korean, frozenset(Control))

    scores = read_scores(korean, read_lock(korean))
    redrawn = [one for one in scores.controls if one.control == "pairs_redrawn"]
    assert {one.draws for one in redrawn} == {3}
    assert {alarm.code for alarm in scores.alarms} >= {"joined_by_label"}
    assert list(validate(korean)) == []


def test_the_command_line_scores_and_compares(artelingo: Path) -> None:
    runner = CliRunner()

    scored = runner.invoke(
        app, ["benchmark", str(artelingo), "--seeds", "1", "--controls", "labels_shuffled"]
    )
    compared = runner.invoke(app, ["benchmark", "compare", str(artelingo), str(artelingo)])

    assert scored.exit_code == 0, scored.output
    assert "Paired differences" in scored.output
    assert compared.exit_code == 0, compared.output
    assert "within noise" in compared.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seeds", "0"], "--seeds 0"),
        (["--controls", "sorcery"], "no control 'sorcery'"),
        (["--preset", "lit"], "did you mean 'lite'"),
        (["--device", "cuda"], "the tier lite runs on the CPU"),
        (["--preset", "lite", "--tier", "frozen"], "of the tier lite, not frozen"),
    ],
)
def test_wrong_calls_are_one_sentence(artelingo: Path, options: list[str], sentence: str) -> None:
    found = CliRunner().invoke(app, ["benchmark", str(artelingo), *options])

    assert isinstance(found.exception, UsageError)
    assert sentence in str(found.exception)

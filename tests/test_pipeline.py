from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from artcurate.errors import DataError, UsageError
from artcurate.pipeline import Pipeline, load, load_bundled, resolve


def bundled(*overrides: str) -> Pipeline:
    return resolve(load_bundled("artelingo"), overrides)


def written(tmp_path: Path, **changes: object) -> Path:
    content = yaml.safe_load(bundled().to_yaml()) | changes
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_a_resolved_pipeline_is_a_pipeline_file_with_the_same_fingerprint(tmp_path: Path) -> None:
    pipeline = bundled("near_duplicates.distance=3", "seed=5")
    path = tmp_path / "pipeline.yaml"
    path.write_text(pipeline.to_yaml(), encoding="utf-8")

    again = resolve(load(path))

    assert again.to_yaml() == pipeline.to_yaml()
    assert again.fingerprint() == pipeline.fingerprint()


def test_overrides_reach_any_parameter_and_the_seed_reaches_every_step() -> None:
    pipeline = bundled("near_duplicates.distance=3", "labels.maps=[ekman6]", "seed=5")

    assert pipeline.parameters("near_duplicates").model_dump()["distance"] == 3
    assert pipeline.parameters("labels").model_dump()["maps"] == ("ekman6",)
    seeds = {
        stage.step.name: stage.parameters.model_dump()["seed"]
        for stage in pipeline.stages
        if "seed" in stage.step.parameters.model_fields
    }
    assert set(seeds.values()) == {5}
    assert {"split", "write", "agreement", "language"} <= set(seeds)


def test_a_value_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "salt"
    file.write_bytes("12 \u00e4: #\r\n".encode())
    pipeline = resolve(load_bundled("korean"), [f"pseudonyms.salt=@{file}"])
    assert pipeline.parameters("pseudonyms").model_dump()["salt"] == "12 \u00e4: #"
    assert "pseudonyms.salt" not in pipeline.parameter_files()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"\n", "has to hold a value"),
        (b"x" * 70_000, "65,536 bytes at most"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_a_file_that_holds_no_value_is_told(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "salt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=rf"pseudonyms\.salt: @.*{message}"):
        resolve(load_bundled("korean"), [f"pseudonyms.salt=@{file}"])


def test_a_value_that_may_be_a_secret_is_not_repeated() -> None:
    with pytest.raises(UsageError, match="put quotes around it") as caught:
        resolve(load_bundled("korean"), ["pseudonyms.salt=hush: [hush"])
    assert "hush" not in str(caught.value)


def test_a_step_may_stand_as_its_bare_name(tmp_path: Path) -> None:
    bare = written(tmp_path, steps=["labels", "write"])
    assert [stage.step.name for stage in resolve(load(bare)).stages] == ["labels", "write"]


def test_a_steps_own_seed_wins_over_the_pipelines() -> None:
    pipeline = bundled("seed=5", "split.seed=9")

    assert pipeline.parameters("split").model_dump()["seed"] == 9
    assert pipeline.parameters("write").model_dump()["seed"] == 5


def test_what_decides_the_result_changes_the_fingerprint_and_prose_does_not() -> None:
    file = load_bundled("artelingo")
    prose = file.model_copy(update={"max_quarantined": 0.5})

    assert resolve(prose).fingerprint() == resolve(file).fingerprint()
    assert resolve(file, ["split.seed=1"]).fingerprint() != resolve(file).fingerprint()
    assert resolve(file, ["seed=1"]).fingerprint() != resolve(file).fingerprint()


def test_all_wrong_names_are_told_at_once_with_the_nearest_right_ones() -> None:
    with pytest.raises(UsageError) as caught:
        bundled("splitt.seed=1", "near_duplicates.distanse=3", "near_duplicates.distance=far", "x")

    text = str(caught.value)
    assert "did you mean 'split'" in text
    assert "did you mean 'distance'" in text
    assert "distance" in text
    assert "got 'far'" in text
    assert "step.parameter=value" in text


def test_an_unknown_bundled_pipeline_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'artelingo'"):
        load_bundled("artlingo")


def test_a_pipeline_file_with_several_faults_tells_them_all(tmp_path: Path) -> None:
    path = written(tmp_path, max_quarantined=3, nmae="typo")

    with pytest.raises(DataError) as caught:
        load(path)

    problems = "\n".join(caught.value.problems)
    assert "max_quarantined" in problems
    assert "did you mean 'name'" in problems


def test_unknown_steps_readers_and_repeated_steps(tmp_path: Path) -> None:
    steps = [{"labels": None}, {"labels": None}, {"lables": None}]
    inputs = {"images": {"reader": "wikiarts", "description": "x"}}

    with pytest.raises(UsageError) as caught:
        resolve(load(written(tmp_path, steps=steps, inputs=inputs)))

    text = str(caught.value)
    assert "labels stands twice" in text
    assert "did you mean 'labels'" in text
    assert "did you mean 'wikiart'" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [("a: [", "not valid YAML"), ("just words", "mapping"), ("name: x\n", "missing")],
)
def test_what_is_no_pipeline_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=message):
        load(path)


def test_a_pipeline_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such"):
        load(tmp_path / "absent.yaml")

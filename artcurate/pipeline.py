"""A pipeline is a file: sources, an ordered list of steps with parameters, a schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from artcurate import resources
from artcurate.errors import DataError, UsageError
from artcurate.package.facts import DatasetFacts
from artcurate.package.validate import SCHEMA_FILE
from artcurate.resources import nearest
from artcurate.schema.load import is_schema_file, load_schema, schema_digest
from artcurate.sources.registry import READERS
from artcurate.steps.catalogue import STEPS
from artcurate.steps.registry import Parameters, Step

#: Bytes of a value that stands in a file of its own.
_LONGEST_TEXT = 1 << 16


def _as_mapping(entry: object) -> object:
    """A step without parameters may stand as its bare name."""
    return {entry: None} if isinstance(entry, str) else entry


class _FileModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(_FileModel):
    """One raw input: which reader understands it and where to look when nobody says."""

    reader: str
    description: str
    default: tuple[str, ...] = ()
    """Patterns below the data home; the first that matches something is taken."""
    optional: bool = False


class PipelineFile(_FileModel):
    """The file as it is written by hand."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    dataset: DatasetFacts
    schema_name: str = Field(alias="schema")
    seed: int = 0
    max_quarantined: float = Field(default=0.05, ge=0, le=1)
    """The build fails when more than this share of the annotations or of the images is faulty."""
    inputs: dict[str, Input]
    steps: list[Annotated[dict[str, dict[str, Any] | None], BeforeValidator(_as_mapping)]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A step with its checked parameters."""

    step: Step
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A checked pipeline: every step exists and every parameter has its type."""

    name: str
    dataset: DatasetFacts
    schema: str
    seed: int
    max_quarantined: float
    inputs: Mapping[str, Input]
    stages: tuple[Stage, ...]

    def parameters(self, step: str) -> Parameters:
        """The parameters of `step`. Raises KeyError where the pipeline lacks it."""
        for stage in self.stages:
            if stage.step.name == step:
                return stage.parameters
        raise KeyError(step)

    def resolved(self) -> dict[str, Any]:
        """The whole pipeline as plain values, defaults filled in, files by their base name."""
        return {
            "name": self.name,
            "dataset": TypeAdapter(DatasetFacts).dump_python(self.dataset, mode="json"),
            "schema": _schema_name(self.schema),
            "seed": self.seed,
            "max_quarantined": self.max_quarantined,
            "inputs": {name: value.model_dump(mode="json") for name, value in self.inputs.items()},
            "steps": [
                {stage.step.name: _plain_parameters(stage.parameters)} for stage in self.stages
            ],
        }

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.resolved(), sort_keys=False, allow_unicode=True, width=96)

    def parameter_files(self) -> dict[str, Path]:
        """Files that parameters name, under `step.parameter`."""
        return {
            f"{stage.step.name}.{name}": value
            for stage in self.stages
            for name, value in stage.parameters
            if isinstance(value, Path)
        }

    def fingerprint(self) -> str:
        """sha256 of the literals that decide the result; prose and input patterns do not."""
        deciding = {
            key: value for key, value in self.resolved().items() if key in ("name", "seed", "steps")
        }
        deciding["schema"] = schema_digest(load_schema(self.schema))
        canonical = json.dumps(deciding, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()


def _schema_name(schema: str) -> str:
    """A bundled schema's name; a file goes by what the dataset's own copy is called."""
    return SCHEMA_FILE if is_schema_file(schema) else schema


def _plain_parameters(parameters: Parameters) -> dict[str, Any]:
    files = {name: value.name for name, value in parameters if isinstance(value, Path)}
    # The pipeline names its schema once, and every step inherits it.
    return {**parameters.model_dump(mode="json", exclude={"schema_name"}), **files}


def load_bundled(name: str) -> PipelineFile:
    """The bundled pipeline `name`. Raises UsageError naming the nearest one."""
    return load(resources.pipeline_path(name))


def load(path: Path) -> PipelineFile:
    """Read a pipeline file. A schema file that it names lies beside it, unless its path says else.

    Raises:
        UsageError: the file is not there.
        DataError: it is not YAML or not a pipeline; one problem per wrong place.
    """
    raw = resources.read_yaml(path)
    if not isinstance(raw, dict):
        raise DataError(f"{path}: a pipeline is a mapping with name, inputs, schema and steps.")
    try:
        file = PipelineFile.model_validate(raw)
    except ValidationError as error:
        raise DataError(
            [f"{path}: {line}" for line in _validation_lines(error, _file_fields())]
        ) from None
    if not is_schema_file(file.schema_name):
        return file
    return file.model_copy(update={"schema_name": str(path.parent / file.schema_name)})


def resolve(file: PipelineFile, overrides: Iterable[str] = ()) -> Pipeline:
    """Check every step and parameter of `file` after `overrides` ("step.parameter=value").

    Values are YAML, so `true`, `0.3`, `null` and `[a, b]` mean what they look like. `@FILE` stands
    for the text in a file without the line break at its end, so that a secret such as
    `pseudonyms.salt` need not stand on a command line.

    Raises UsageError with all unknown steps, parameters and wrong values at once.
    """
    problems: list[str] = []
    steps = _named_steps(file, problems)
    pipeline = {"seed": file.seed, "max_quarantined": file.max_quarantined}
    for override in overrides:
        _apply_override(override, steps, pipeline, problems)
    wrong_totals = _wrong_totals(pipeline)
    problems += wrong_totals
    if "write" not in steps:
        problems.append("the pipeline has no step write, so nothing would come out of it.")
    try:
        load_schema(file.schema_name)
    except (UsageError, DataError) as error:
        problems.append(f"schema: {error}")
    stages = []
    for name, raw in steps.items():
        definition = STEPS[name]
        fields = definition.parameters.model_fields
        inherited: dict[str, Any] = {"schema_name": file.schema_name}
        if not wrong_totals:
            inherited["seed"] = pipeline["seed"]
        raw = {name: value for name, value in inherited.items() if name in fields} | raw
        try:
            stages.append(Stage(definition, definition.parameters.model_validate(raw)))
        except ValidationError as error:
            problems += [f"step {name}: {line}" for line in _validation_lines(error, fields)]
    problems += [
        f"{stage.step.name}.{name}: there is no file {value}; give the file with "
        f"--set {stage.step.name}.{name}=FILE."
        for stage in stages
        for name, value in stage.parameters
        if isinstance(value, Path) and not value.is_file()
    ]
    for name, source in file.inputs.items():
        if source.reader not in READERS:
            problems.append(f"input {name}: no reader {nearest(source.reader, READERS)}")
    if problems:
        raise UsageError("\n".join(problems))
    return Pipeline(
        name=file.name,
        dataset=file.dataset,
        schema=file.schema_name,
        seed=int(pipeline["seed"]),
        max_quarantined=float(pipeline["max_quarantined"]),
        inputs=file.inputs,
        stages=tuple(stages),
    )


def _wrong_totals(pipeline: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values that belong to no step."""
    share = pipeline["max_quarantined"]
    problems = []
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        problems.append(f"max_quarantined: give a share from 0 to 1 (got {share!r}).")
    if type(pipeline["seed"]) is not int or pipeline["seed"] < 0:
        problems.append(f"seed: give a whole number from 0 (got {pipeline['seed']!r}).")
    return problems


def _named_steps(file: PipelineFile, problems: list[str]) -> dict[str, dict[str, Any]]:
    steps: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(file.steps, start=1):
        if len(entry) != 1:
            problems.append(f"step {number}: give one step name per list item.")
            continue
        ((name, parameters),) = entry.items()
        if name not in STEPS:
            problems.append(f"step {number}: no step {nearest(name, STEPS)}")
        elif name in steps:
            problems.append(f"step {number}: {name} stands twice; a pipeline runs a step once.")
        else:
            steps[name] = dict(parameters or {})
    return steps


def _apply_override(
    override: str,
    steps: dict[str, dict[str, Any]],
    pipeline: dict[str, Any],
    problems: list[str],
) -> None:
    target, equals, text = override.partition("=")
    step, dot, parameter = target.strip().partition(".")
    if not equals or not step or (dot and not parameter):
        problems.append(f"{override!r}: write step.parameter=value.")
        return
    try:
        value = _text_in(text[1:]) if text.startswith("@") else yaml.safe_load(text)
    except UsageError as error:
        problems.append(f"{target}: {error}")
        return
    except yaml.YAMLError:
        # The value itself may be a secret.
        problems.append(f"{target}: the value is not valid YAML; put quotes around it.")
        return
    if not dot:
        if step in pipeline:
            pipeline[step] = value
        else:
            problems.append(f"{override!r}: write step.parameter=value, or seed=value.")
    elif step not in steps:
        problems.append(f"{override!r}: this pipeline has no step {nearest(step, steps)}")
    elif parameter not in STEPS[step].parameters.model_fields:
        known = STEPS[step].parameters.model_fields
        problems.append(f"{override!r}: step {step} has no parameter {nearest(parameter, known)}")
    else:
        steps[step][parameter] = value


def _text_in(name: str) -> str:
    """The text in the file called so, without the line break at its end. Raises UsageError."""
    try:
        with Path(name).expanduser().open("rb") as file:
            content = file.read(_LONGEST_TEXT + 1)
        text = content.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError(f"@{name} is not UTF-8.") from None
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name can be"
        raise UsageError(f"@{name} cannot be read ({reason}).") from None
    if not text or len(content) > _LONGEST_TEXT:
        raise UsageError(f"@{name} has to hold a value, of {_LONGEST_TEXT:,} bytes at most.")
    return text


def _file_fields() -> list[str]:
    return [info.alias or name for name, info in PipelineFile.model_fields.items()]


def _validation_lines(error: ValidationError, fields: Iterable[str]) -> list[str]:
    """One line per wrong place: where, what is wrong, and the value that stands there."""
    lines = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = fields if len(problem["loc"]) == 1 else ()
            lines.append(f"{place}: unknown" + (f" {nearest(place, known)}" if known else "."))
        elif problem["type"] == "missing":
            lines.append(f"{place}: missing.")
        else:
            message = problem["msg"].removeprefix("Value error, ").rstrip(".")
            lines.append(
                f"{place}: {message} (got {problem['input']!r})." if place else f"{message}."
            )
    return lines

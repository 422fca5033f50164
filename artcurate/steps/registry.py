"""What a step is: a plain function from corpus to corpus with typed parameters, and a name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from artcurate.corpus import Corpus
from artcurate.engines import Engine
from artcurate.images.transform import ImageForm
from artcurate.progress import ProgressMode


class Parameters(BaseModel):
    """Base of every step's parameters: unknown names are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where heavy steps work. None of it but `form` enters a fingerprint or a shard.

    engine: maps pure functions over tasks.
    output: the unfinished dataset folder that `write` fills.
    scratch: a folder whose content survives an interruption and goes when the build ends.
    progress: how progress is shown.
    cache: a folder whose content outlives builds and that several may use; None for none.
    workers_see_cache: whether workers have it under the same path; scratch they always have.
    form: of the pictures that the pipeline writes in the end; None where it writes none.
    say: gets what the user is to know of this run and no dataset tells.
    """

    engine: Engine
    output: Path
    scratch: Path
    progress: ProgressMode = ProgressMode.AUTO
    cache: Path | None = None
    workers_see_cache: bool = False
    form: ImageForm | None = None
    say: Callable[[str], None] = _silent


@dataclass(frozen=True, slots=True)
class Step:
    """A registered step. `heavy` steps take a third argument, `run`."""

    name: str
    function: Callable[..., Corpus]
    parameters: type[Parameters]
    heavy: bool

    @property
    def summary(self) -> str:
        return (inspect.getdoc(self.function) or "").split("\n", 1)[0]

    def __call__(self, corpus: Corpus, parameters: Parameters, run: Run) -> Corpus:
        if self.heavy:
            return self.function(corpus, parameters=parameters, run=run)
        return self.function(corpus, parameters=parameters)


STEPS: dict[str, Step] = {}

_F = TypeVar("_F", bound=Callable[..., Any])


def step(parameters: type[Parameters], *, heavy: bool = False) -> Callable[[_F], _F]:
    """Register the decorated function as a step under its own name.

    The function is `name(corpus, *, parameters) -> Corpus`; with `heavy=True` it also takes
    `run`, the engine and folders for work on pixels.
    """

    def register(function: _F) -> _F:
        name = function.__name__
        if name in STEPS and STEPS[name].function.__module__ != function.__module__:
            raise ValueError(f"two steps are named {name!r}")
        STEPS[name] = Step(name, function, parameters, heavy)
        return function

    return register

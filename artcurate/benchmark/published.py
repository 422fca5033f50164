"""Published figures of other people's systems, each with what it really measures."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from artcurate.errors import DataError
from artcurate.resources import folder, read_yaml


class Published(BaseModel):
    """One published system.

    measures: in sentences, what the figures measure. same_task: bundled pipelines whose datasets
    pose the same task, beside whose scores the figures may stand; empty where none does.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    system: str
    source: str
    data: str
    fusion: str
    accuracy: float | None = Field(default=None, ge=0, le=1)
    macro_f1: float | None = Field(default=None, ge=0, le=1)
    weighted_f1: float | None = Field(default=None, ge=0, le=1)
    f1_per_class: dict[str, float] = {}
    other: dict[str, float] = {}
    measures: str
    same_task: tuple[str, ...] = ()

    def figures(self) -> str:
        """`accuracy 0.840, macro-F1 0.793`."""
        named = {
            "accuracy": self.accuracy,
            "macro-F1": self.macro_f1,
            "weighted F1": self.weighted_f1,
            **self.other,
        }
        return ", ".join(
            f"{name} {value:.3f}" for name, value in named.items() if value is not None
        )


def published() -> tuple[Published, ...]:
    """Every published figure on file. Raises DataError when the file is damaged."""
    file = folder("pipelines") / "published" / "scores.yaml"
    try:
        return TypeAdapter(tuple[Published, ...]).validate_python(read_yaml(file))
    except ValidationError as error:
        places = [".".join(map(str, one["loc"])) for one in error.errors()]
        raise DataError(f"{file}: wrong at {', '.join(places[:5])}.") from None


def comparable(pipeline: str) -> tuple[Published, ...]:
    """The published systems whose task the datasets of `pipeline` pose."""
    return tuple(one for one in published() if pipeline in one.same_task)

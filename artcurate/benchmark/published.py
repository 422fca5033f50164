"""Published figures of other people's systems, each with what it really measures."""

from __future__ import annotations

from pydantic import Field, TypeAdapter

from artcurate.checked_yaml import FileModel, read_checked
from artcurate.resources import folder


class Published(FileModel):
    """One published system.

    measures: in sentences, what the figures measure. same_task: bundled pipelines whose datasets
    pose the same task, beside whose scores the figures may stand; empty where none does.
    """

    system: str
    source: str
    data: str
    fusion: str
    accuracy: float | None = Field(default=None, ge=0, le=1)
    macro_f1: float | None = Field(default=None, ge=0, le=1)
    weighted_f1: float | None = Field(default=None, ge=0, le=1)
    f1_per_class: dict[str, float] = Field(default_factory=dict)
    other: dict[str, float] = Field(default_factory=dict)
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
    return read_checked(file, TypeAdapter(tuple[Published, ...]))


def comparable(pipeline: str) -> tuple[Published, ...]:
    """The published systems whose task the datasets of `pipeline` pose."""
    return tuple(one for one in published() if pipeline in one.same_task)

"""Heads: from features to classes, alone or fused. `HEADS` is the registry."""

from __future__ import annotations

from artcurate.benchmark.heads import attention, decision, joint
from artcurate.benchmark.heads.base import (
    HEADS,
    Features,
    Head,
    Kind,
    Options,
    Shape,
    build_head,
    drawing_from,
)

__all__ = [
    "HEADS",
    "Features",
    "Head",
    "Kind",
    "Options",
    "Shape",
    "attention",
    "build_head",
    "decision",
    "drawing_from",
    "joint",
]

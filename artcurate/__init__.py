"""Multimodal emotion datasets that load, do not leak and can be rebuilt bit for bit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from artcurate.pipeline import load as load_pipeline
    from artcurate.pipeline import load_bundled as bundled_pipeline
    from artcurate.pipeline import resolve
    from artcurate.runner import build

__version__ = "0.1.0"
__all__ = ["build", "bundled_pipeline", "load_pipeline", "resolve"]

#: Imported on first use: polars and its kind take longer than `artcurate --help` may.
_PLACES = {
    "build": ("artcurate.runner", "build"),
    "bundled_pipeline": ("artcurate.pipeline", "load_bundled"),
    "load_pipeline": ("artcurate.pipeline", "load"),
    "resolve": ("artcurate.pipeline", "resolve"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)

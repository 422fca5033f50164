"""Multimodal emotion datasets that load, do not leak and can be rebuilt bit for bit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from artcurate.hub.load import load
    from artcurate.hub.publish import publish
    from artcurate.hub.rebuild import rebuild
    from artcurate.pipeline import load as load_pipeline
    from artcurate.pipeline import load_bundled as bundled_pipeline
    from artcurate.pipeline import resolve
    from artcurate.runner import build

__version__ = "0.1.0"
__all__ = [
    "build",
    "bundled_pipeline",
    "load",
    "load_pipeline",
    "publish",
    "rebuild",
    "resolve",
]

#: Imported on first use: polars and its kind take longer than `artcurate --help` may.
_PLACES = {
    "build": ("artcurate.runner", "build"),
    "bundled_pipeline": ("artcurate.pipeline", "load_bundled"),
    "load": ("artcurate.hub.load", "load"),
    "load_pipeline": ("artcurate.pipeline", "load"),
    "publish": ("artcurate.hub.publish", "publish"),
    "rebuild": ("artcurate.hub.rebuild", "rebuild"),
    "resolve": ("artcurate.pipeline", "resolve"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)

"""Features that were computed once: content-addressed files, found by the input's sha256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from artcurate.benchmark.devices import tell
from artcurate.benchmark.task import FloatArray
from artcurate.files import atomic_file, make_folder
from artcurate.home import data_home

#: uint8 (n, 32), the sha256 of each input.
Keys = NDArray[np.uint8]


def keys_of_texts(texts: Sequence[str]) -> Keys:
    """The sha256 of every text's UTF-8; a lone surrogate is hashed as it stands."""
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts)
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)


def keys_of_digests(digests: Sequence[bytes]) -> Keys:
    """Keys from sha256 digests of 32 bytes each."""
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)


class FeatureCache:
    """The features of one encoder under one set of settings, float16 on disk.

    Every file is named by its own sha256, so that a damaged one is noticed, removed and computed
    again. Concurrent writers only add files; the same input in two files is harmless.
    """

    def __init__(self, identity: Mapping[str, str | int], folder: Path | None = None) -> None:
        """`identity` is everything that decides the features; `folder` stands in the data home."""
        canonical = json.dumps(dict(identity), sort_keys=True, ensure_ascii=True)
        name = hashlib.sha256(canonical.encode()).hexdigest()[:32]
        self.folder = (folder or data_home() / "features") / name

    def find(self, keys: Keys, out: FloatArray) -> NDArray[np.bool_]:
        """Fill the rows of `out`, float32 (n, width), whose keys are known; True where it was."""
        found = np.zeros(len(keys), np.bool_)
        if not self.folder.is_dir():
            return found
        short = _short(keys)
        order = np.argsort(short, kind="stable")
        ordered = short[order]
        for path in sorted(self.folder.glob("*.safetensors")):
            part = _read(path)
            if part is None or part["features"].shape[1:] != out.shape[1:]:
                continue
            _take(part["keys"], part["features"], keys, order, ordered, out, found)
        return found

    def add(self, keys: Keys, features: NDArray[np.float16]) -> None:
        """Keep features, float16 (n, width). Raises DataError when they cannot be written."""
        make_folder(self.folder)
        data = safetensors.numpy.save({"keys": np.ascontiguousarray(keys), "features": features})
        with atomic_file(self.folder / f"{hashlib.sha256(data).hexdigest()}.safetensors") as file:
            file.write(data)


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(data).hexdigest() == path.stem:
        try:
            return safetensors.numpy.load(data)
        except SafetensorError:
            pass
    tell(f"{path}: the cached features are damaged; they are removed and computed again.")
    path.unlink(missing_ok=True)
    return None


def _short(keys: Keys) -> NDArray[np.uint64]:
    return np.ascontiguousarray(keys[:, :8]).view(np.uint64)[:, 0]


def _take(
    known: Keys,
    features: NDArray[np.float16],
    keys: Keys,
    order: NDArray[np.int64],
    ordered: NDArray[np.uint64],
    out: FloatArray,
    found: NDArray[np.bool_],
) -> None:
    """Copy the features of `known` to the rows of `out` with the same key; keys are unique."""
    short = _short(known)
    places = np.minimum(np.searchsorted(ordered, short), len(ordered) - 1)
    rows = order[places]
    same = (keys[rows] == known).all(axis=1)
    out[rows[same]] = features[same]
    found[rows[same]] = True

"""What stands in train and in test alike, found again from the examples themselves."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from artcurate.benchmark.dataset import IMAGE, TEST, TEXT, TRAIN, Examples
from artcurate.benchmark.pictures import ShardPictures
from artcurate.benchmark.task import IntArray
from artcurate.images.faults import Fault
from artcurate.images.hamming import pairs_within
from artcurate.images.phash import SIDE, phash
from artcurate.progress import ProgressMode, meter

#: Pictures whose pHashes differ in at most so many bits are taken for one.
NEAR_BITS = 4


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many test examples have something that a training example has.

    texts: the same words, letter case and white space aside. pictures: the same bytes.
    near_pictures: a pHash within 4 bits, equal bytes included. clusters: the same painting, person
    or dialogue, by kind.
    """

    examples: int
    texts: int
    pictures: int
    near_pictures: int
    clusters: Mapping[str, int]


def find_overlap(examples: Examples, *, progress: ProgressMode = ProgressMode.QUIET) -> Overlap:
    """Compare the raw inputs of train and test; every unique picture is read once."""
    train, test = examples.rows(TRAIN), examples.rows(TEST)
    texts = _text_numbers(examples)
    exact, near = _shared_pictures(examples, train, test, progress)
    return Overlap(
        examples=len(test),
        texts=_shared(texts, train, test),
        pictures=exact,
        near_pictures=near,
        clusters={name: _shared(values, train, test) for name, values in examples.clusters.items()},
    )


def _shared(numbers: IntArray, train: IntArray, test: IntArray) -> int:
    return int(np.isin(numbers[test], numbers[train]).sum())


def _text_numbers(examples: Examples) -> IntArray:
    """One number per example, equal where the words are."""
    modality = examples.inputs[TEXT]
    texts = cast("Sequence[str]", modality.values)
    words = np.array([" ".join(text.casefold().split()) for text in texts])
    numbers = np.unique(words, return_inverse=True)[1].astype(np.int64)
    return numbers[modality.index]


def _shared_pictures(
    examples: Examples, train: IntArray, test: IntArray, progress: ProgressMode
) -> tuple[int, int]:
    """Test examples whose picture has the bytes, or nearly the pHash, of a training picture."""
    modality = examples.inputs.get(IMAGE)
    if modality is None or not isinstance(modality.values, ShardPictures):
        return 0, 0
    used = np.unique(modality.index[np.concatenate((train, test))])
    digests, hashes = _read(modality.values, used, progress)
    place = np.searchsorted(used, modality.index)
    seen = {digests[one] for one in place[train]}
    same = np.array([digests[one] in seen for one in place[test]])
    return int(same.sum()), int((same | _near(hashes, place[train], place[test])).sum())


def _read(
    pictures: ShardPictures, used: IntArray, progress: ProgressMode
) -> tuple[list[bytes], list[int | None]]:
    """sha256 and pHash of each used picture; no pHash where it cannot be decoded."""

    def read(place: int) -> tuple[bytes, int | None]:
        digest = hashlib.sha256(pictures.read(place) or b"").digest()
        picture = pictures.decode(place, min_side=SIDE)
        return digest, None if isinstance(picture, Fault) else phash(picture)

    with (
        meter("compare pictures", len(used), unit="picture", mode=progress) as done,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        read_ones = []
        for one in pool.map(read, used.tolist()):
            read_ones.append(one)
            done.advance()
    return [digest for digest, _ in read_ones], [value for _, value in read_ones]


def _near(hashes: Sequence[int | None], train: IntArray, test: IntArray) -> NDArray[np.bool_]:
    """For each test place whether its hash lies within 4 bits of a training place's hash."""
    known = np.array([value is not None for value in hashes])
    values = np.array([value or 0 for value in hashes], dtype=np.uint64)
    distinct, number = np.unique(values, return_inverse=True)
    of_train = np.zeros(len(distinct), dtype=np.bool_)
    of_train[number[train[known[train]]]] = True
    close = of_train.copy()
    for pairs in pairs_within(distinct, NEAR_BITS):
        close[pairs[:, 0]] |= of_train[pairs[:, 1]]
        close[pairs[:, 1]] |= of_train[pairs[:, 0]]
    return np.asarray(close[number[test]] & known[test])

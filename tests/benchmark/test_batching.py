from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

from artcurate.benchmark.batching import (
    Sequences,
    batches_by_length,
    padding_share,
    parts_of,
    shuffled_batches,
)

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=200).map(
    lambda lengths: np.array(lengths, np.int64)
)


@given(LENGTHS, st.integers(1, 300))
def test_inference_batches_hold_every_row_once_within_both_limits(
    lengths: np.ndarray, max_tokens: int
) -> None:
    batches = list(batches_by_length(lengths, max_tokens=max_tokens))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        longest = int(lengths[batch].max())
        assert len(batch) == 1 or len(batch) * longest <= max_tokens
    assert padding_share(lengths, batches) <= 0.1 + 1e-9


@given(LENGTHS, st.integers(1, 40), st.integers(0, 5), st.integers(1, 2))
def test_training_batches_hold_every_row_once_and_depend_on_the_seed_alone(
    lengths: np.ndarray, size: int, seed: int, least: int
) -> None:
    batches = shuffled_batches(lengths, size=size, seed=seed, least=least)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    if len(lengths) >= least and size >= least:
        assert min(map(len, batches)) >= least
    again = shuffled_batches(lengths, size=size, seed=seed, least=least)
    assert [batch.tolist() for batch in batches] == [batch.tolist() for batch in again]


def test_training_batches_waste_little_on_captions() -> None:
    # Lengths as captions have them: 18 tokens on average with a long tail.
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(2.8, 0.45, 20_000).astype(np.int64), 3, 128)
    batches = shuffled_batches(lengths, size=32, seed=1)
    assert padding_share(lengths, batches) < 0.1
    unsorted = [random.permutation(len(lengths))[:32] for _ in range(50)]
    assert padding_share(lengths, unsorted) > 0.4


def test_padding_is_counted_by_hand() -> None:
    lengths = np.array([2, 4, 4])
    assert padding_share(lengths, [np.array([0, 1, 2])]) == pytest.approx(2 / 12)


def test_padded_rows_and_their_mask() -> None:
    sequences = Sequences.of([[5, 6, 7], [], [8]], pad=0)
    tokens, mask = sequences.padded(np.array([2, 0, 1]))
    assert tokens.tolist() == [[8, 0, 0], [5, 6, 7], [0, 0, 0]]
    assert mask.tolist() == [[1, 0, 0], [1, 1, 1], [1, 0, 0]]


def test_a_short_last_part_joins_the_one_before() -> None:
    rows = np.arange(9)
    assert [len(part) for part in parts_of(rows, 4)] == [4, 4, 1]
    assert [len(part) for part in parts_of(rows, 4, least=2)] == [4, 5]

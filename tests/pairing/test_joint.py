from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artcurate import published
from artcurate.pairing.draw import Portion
from artcurate.pairing.joint import JointSplit, Rules, Side, split_jointly
from artcurate.pairing.order import random_keys

SHARES = np.array([0.8, 0.1, 0.1])
LABELS = list(published.totals_by_emotion())
CELLS = published.TABLE_1
NEUTRAL = LABELS.index("neutral")


def rules(**changes: object) -> Rules:
    labels = np.array([LABELS.index(cell.emotion) for cell in CELLS])
    fields: dict[str, object] = {
        "shares": SHARES,
        "limits": np.array([cell.pairs for cell in CELLS]),
        "labels": labels,
        "secondary": labels == NEUTRAL,
        "portion": Portion(),
        "seed": 0,
    }
    return Rules(**(fields | changes))  # type: ignore[arg-type]


def published_images(persons: int, seed: int) -> Side:
    """As many images as limit the published cells, several times as many elsewhere.

    What a person has is log-normal: of 500 persons the first tenth holds half of the images.
    """
    random = np.random.default_rng(seed)
    weight = random.lognormal(0, 1.3, persons)
    per_stratum = np.array(
        [sum(c.pairs for c in CELLS if c.stratum == s) for s in published.STRATA]
    )
    stratum = random.choice(len(per_stratum), persons, p=per_stratum / per_stratum.sum())
    stratum[: 12 * len(per_stratum)] = np.arange(12 * len(per_stratum)) % len(per_stratum)
    cell, owner = [], []
    for place, one in enumerate(CELLS):
        number = one.pairs if one.limited_by == "images" else 5 * one.pairs
        share = weight * random.gamma(1.5, 1, persons)
        share[stratum != published.STRATA.index(one.stratum)] = 0
        cell.append(np.full(number, place))
        owner.append(random.choice(persons, number, p=share / share.sum()))
    names, owners = np.unique(np.concatenate(owner), return_inverse=True)
    assert len(names) > persons * 0.9
    return Side(np.concatenate(cell), owners)


def published_sentences(seed: int) -> tuple[Side, int]:
    """Dialogues of two sentences, one in a hundred of one, nearly all with a neutral sentence."""
    random = np.random.default_rng(seed)
    neutral = {one.stratum: place for place, one in enumerate(CELLS) if one.emotion == "neutral"}
    cell: list[int] = []
    owner: list[int] = []
    dialogues = 0
    for place, one in enumerate(CELLS):
        left = one.pairs if one.limited_by == "sentences" else 2 * one.pairs
        while one.emotion != "neutral" and left > 0:
            size = 1 if left == 1 or random.random() < 0.01 else 2
            said = [place] * size + [neutral[one.stratum]] * (random.random() < 0.98)
            cell += said
            owner += [dialogues] * len(said)
            left -= size
            dialogues += 1
    return Side(np.array(cell), np.array(owner)), dialogues


def deviations(split: JointSplit) -> np.ndarray:
    """Rows by which each cell's worst split is off, (cells,)."""
    total = split.quota.sum(axis=1, keepdims=True)
    return np.abs(split.quota - total * SHARES).max(axis=1)


@pytest.mark.parametrize(("persons", "worst_rows"), [(500, 20), (2000, 6)])
def test_the_published_cells_lose_nothing_and_keep_the_ratios(
    persons: int, worst_rows: float
) -> None:
    images = published_images(persons, seed=1)
    sentences, dialogues = published_sentences(seed=1)
    keys = random_keys(map(str, range(dialogues)), 0, "dialogues")
    split = split_jointly(images, sentences, rules(), keys)
    assert split.bound.sum() == published.TOTAL
    assert published.TOTAL - split.quota.sum() <= 13
    assert deviations(split).max() <= worst_rows
    labels = rules().labels
    for label in range(len(LABELS)):
        held = split.quota[labels == label].sum(axis=0)
        assert np.abs(held / held.sum() - SHARES).max() < 0.001


def test_the_same_input_gives_the_same_split() -> None:
    images = published_images(200, seed=2)
    sentences, dialogues = published_sentences(seed=2)
    keys = random_keys(map(str, range(dialogues)), 0, "dialogues")
    one, other = (split_jointly(images, sentences, rules(effort=20), keys) for _ in range(2))
    assert one.persons.tolist() == other.persons.tolist()
    assert one.dialogues.tolist() == other.dialogues.tolist()


SIDE = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), min_size=1, max_size=40)


def side(items: list[tuple[int, int]]) -> Side:
    """Items as (cell, owner), owners renumbered so that each has an item."""
    cell = np.array([one for one, _ in items], dtype=np.int64)
    _, owner = np.unique([one for _, one in items], return_inverse=True)
    return Side(cell, owner.astype(np.int64))


@settings(max_examples=60, deadline=None)
@given(SIDE, SIDE, st.integers(1, 2), st.booleans(), st.integers(0, 20))
def test_quotas_can_be_drawn_and_never_pass_the_bound(
    left: list[tuple[int, int]], right: list[tuple[int, int]], each: int, reuse: bool, limit: int
) -> None:
    images, sentences = side(left), side(right)
    portion = Portion(each, reuse)
    own = rules(
        limits=np.full(6, limit),
        labels=np.array([0, 0, 0, 1, 1, 1]),
        secondary=np.array([False] * 5 + [True]),
        portion=portion,
        effort=5,
    )
    keys = random_keys(map(str, range(int(sentences.owner.max()) + 1)), 0, "dialogues")
    split = split_jointly(images, sentences, own, keys)
    assert (split.quota.sum(axis=1) <= split.after_persons).all()
    assert (split.after_persons <= split.bound).all()
    assert (split.bound <= limit).all()
    for cell in range(6):
        for place in range(3):
            there = sum(
                split.persons[owner] == place
                for one, owner in zip(images.cell, images.owner, strict=True)
                if one == cell
            )
            said = sum(
                split.dialogues[owner] == place
                for one, owner in zip(sentences.cell, sentences.owner, strict=True)
                if one == cell
            )
            enough = bool(there) * said if reuse else there // each
            assert split.quota[cell, place] <= min(enough, said)

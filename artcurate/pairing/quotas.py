"""How many pairs every cell has in every split."""

from __future__ import annotations

import numpy as np

from artcurate.pairing.apportion import Floats, Ints, apportion_within

#: Labels are brought as near to the ratios as this share of their pairs, or one pair: half of the
#: promised tenth of a point, so that cells are not bent more than the promise needs.
_LABEL_TOLERANCE = 0.0005


def quotas(caps: Ints, limits: Ints, labels: Ints, shares: Floats) -> Ints:
    """Pairs per cell and split, int64, (cells, splits): the most there can be, dealt by `shares`.

    caps: most pairs of a cell in a split, (cells, splits). limits: most pairs of a cell, (cells,).
    labels: the label of each cell, 0..; cells of a label give way to each other where some of them
        cannot have the ratios, so that the label as a whole has them. shares: (splits,), sum 1.

    A cell has min(limit, sum of its caps) pairs, whatever the ratios.
    """
    wanted = np.array(
        [
            apportion_within(int(limit), shares, row)
            for limit, row in zip(limits, caps, strict=True)
        ],
        dtype=np.int64,
    ).reshape(caps.shape)
    for label in np.unique(labels):
        cells = np.flatnonzero(labels == label)
        wanted[cells] = _balanced(wanted[cells], caps[cells], shares)
    return wanted


def _balanced(pairs: Ints, caps: Ints, shares: Floats) -> Ints:
    """`pairs` (cells, splits) with single pairs moved between splits until the sum has `shares`.

    Each time the cell moves that deviates least from the ratios afterwards.
    """
    pairs = pairs.copy()
    total = int(pairs.sum())
    sizes = np.maximum(pairs.sum(axis=1), 1)
    tolerance = max(1.0, _LABEL_TOLERANCE * total)
    while True:
        excess = pairs.sum(axis=0) - total * shares
        giver, taker = int(excess.argmax()), int(excess.argmin())
        if excess[giver] - excess[taker] <= 1.0 or np.abs(excess).max() <= tolerance:
            return pairs
        able = np.flatnonzero((pairs[:, giver] > 0) & (pairs[:, taker] < caps[:, taker]))
        if not len(able):
            return pairs
        gap = np.stack(
            [
                pairs[able, giver] - 1 - sizes[able] * shares[giver],
                pairs[able, taker] + 1 - sizes[able] * shares[taker],
            ]
        )
        chosen = able[int((np.abs(gap).max(axis=0) / sizes[able]).argmin())]
        pairs[chosen, giver] -= 1
        pairs[chosen, taker] += 1

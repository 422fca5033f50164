"""Texts of any script as hashed counts of words and character n-grams, without a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from artcurate.benchmark.presets import LiteText
from artcurate.benchmark.task import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def hashed_ngrams(texts: Sequence[str], form: LiteText) -> csr_array:
    """float32 (texts, 2 * buckets): counts of word n-grams, then of characters within words.

    Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (ICML 2009), without
    the sign hash: counts stay counts. MurmurHash3 with a fixed seed, so results do not vary.
    """
    from scipy.sparse import csr_array, hstack
    from sklearn.feature_extraction.text import HashingVectorizer

    common = {
        "n_features": form.buckets,
        "alternate_sign": False,
        "norm": None,
        "dtype": np.float32,
    }
    words = HashingVectorizer(
        ngram_range=(1, form.words),
        token_pattern=r"(?u)\b\w+\b",  # noqa: S106
        **common,
    )
    characters = HashingVectorizer(ngram_range=form.characters, analyzer="char_wb", **common)
    parts = [words.transform(texts), characters.transform(texts)]
    return csr_array(hstack(parts, format="csr", dtype=np.float32))


#: A term of one training row teaches that row only.
_LEAST_DOCUMENTS = 2


@dataclass(frozen=True, slots=True, eq=False)
class TermWeights:
    """Counts to unit rows of term weights, as learned from training rows.

    columns: int64 (terms,), the columns of the counts that at least two training rows use.
    rarity: float32 (terms,), the smoothed inverse document frequency, 1 + ln((1+n) / (1+df)).
    """

    columns: IntArray
    rarity: FloatArray

    @staticmethod
    def learn(counts: csr_array) -> TermWeights:
        """From the counts (n, buckets) of the training examples."""
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        columns = np.flatnonzero(frequency >= _LEAST_DOCUMENTS)
        rarity = 1 + np.log((1 + counts.shape[0]) / (1 + frequency[columns]))
        return TermWeights(columns, rarity.astype(np.float32))

    def weigh(self, counts: csr_array) -> csr_array:
        """float32 (n, terms): (1 + ln count) * rarity, rows of length 1, or 0 without a term."""
        from scipy.sparse import csr_array, diags_array

        chosen = csr_array(counts[:, self.columns])
        chosen.data = (1 + np.log(chosen.data)) * self.rarity[chosen.indices]
        squares = np.asarray(chosen.multiply(chosen).sum(axis=1)).ravel()
        scale = 1 / np.sqrt(np.where(squares > 0, squares, 1))
        return csr_array((diags_array(scale) @ chosen).astype(np.float32))

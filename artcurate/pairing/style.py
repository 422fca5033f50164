"""How far a few outward features alone tell two kinds of Korean sentences apart, and a remedy.

A label whose sentences come from another speaker than those of the other labels can be told by how
that speaker talks. Where a handful of features, which have nothing to do with what is felt, do it
alone, a text model's score on that label says little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.pairing.apportion import Floats

Mask = NDArray[np.bool_]

_END = r"(\s*(?:[.?!~…,]|$))"
#: Endings of the formal and the imperative style, whose plain form depends on the verb.
_FORMAL = rf"(?:니다|니까|십시오|세요|셔요){_END}"
#: Nouns in 요 that may end a sentence.
_NOUN = rf"(?:^|\s)(?:필|중|수|동|개|소|강|주|가)요{_END}"
#: Polite ending -> plain ending, the first that fits.
_PLAIN = {"이에요": "이야", "예요": "야", "에요": "야", "지요": "지", "죠": "지", "요": ""}

_POLITE = "polite ending -요 or -죠"
#: Features that have to do with the speaker and not with what is felt, as RE2 expressions.
FEATURES: Mapping[str, str] = {
    _POLITE: rf"[요죠]{_END}",
    "formal ending -니다, -니까 or -세요": _FORMAL,
    "question mark": r"\?",
    "exclamation mark": "!",
    "honorific -시-": "시겠|시군|시네|시는|시나|시니|시길|시면|신다|신가|셨|실까|께서",
}


@dataclass(frozen=True, slots=True)
class Leak:
    """What rules on outward features make of two kinds of texts; 0.5 is chance, 1 a certain tell.

    balanced_accuracy: of the rule that says, for each combination of features, the kind in which
        it is more frequent; no rule on these features has more on these texts.
    auc: area under the ROC curve of the combinations' likelihood ratio.
    feature, feature_accuracy: the one feature that tells most, and what it does by itself.
    texts, others: how many texts of each kind there are.
    """

    balanced_accuracy: float
    auc: float
    feature: str
    feature_accuracy: float
    texts: int
    others: int


def measure_leak(texts: pl.Series, others: pl.Series) -> Leak:
    """How well `FEATURES` tell `texts` from `others`, neither of them empty."""
    features, other_features = _features(texts), _features(others)
    single = [
        _balanced_accuracy(*_shares(features[:, [place]], other_features[:, [place]]))
        for place in range(len(FEATURES))
    ]
    shares, other_shares = _shares(features, other_features)
    best = int(np.argmax(single))
    return Leak(
        balanced_accuracy=round(_balanced_accuracy(shares, other_shares), 4),
        auc=round(_auc(shares, other_shares), 4),
        feature=list(FEATURES)[best],
        feature_accuracy=round(single[best], 4),
        texts=texts.len(),
        others=others.len(),
    )


def plain_form(text: pl.Expr) -> pl.Expr:
    """`text` in the plain style (해체) where it is in the polite one (해요체), otherwise null.

    Dropping the particle 요 from the ends of sentences makes one of the other; null where a
    sentence has another of `FEATURES` or ends in a noun that looks like a polite ending.
    """
    plain = text
    for polite, ending in _PLAIN.items():
        plain = plain.str.replace_all(rf"{polite}{_END}", f"{ending}${{1}}")
    others = [pattern for name, pattern in FEATURES.items() if name != _POLITE]
    telling = pl.any_horizontal(text.str.contains(pattern) for pattern in [*others, _NOUN])
    return pl.when(~telling).then(plain)


def letters_key(text: pl.Expr) -> pl.Expr:
    """`text` in lower-case letters and digits: equal for sentences that say the same.

    A text without any is its own key.
    """
    letters = text.str.normalize("NFC").str.replace_all(r"[^\p{L}\p{M}\p{N}]", "")
    return pl.when(letters != "").then(letters.str.to_lowercase()).otherwise(text)


def _features(texts: pl.Series) -> Mask:
    """Which of `FEATURES` each text has, (texts, features)."""
    frame = pl.DataFrame(
        [texts.str.contains(pattern).alias(name) for name, pattern in FEATURES.items()]
    )
    return np.asarray(frame.to_numpy(), dtype=bool)


def _shares(features: Mask, others: Mask) -> tuple[Floats, Floats]:
    """The share of each combination of features in both kinds, (combinations,)."""
    weights = 1 << np.arange(features.shape[1])
    combinations = 1 << features.shape[1]
    mine, theirs = (
        np.bincount(kind @ weights, minlength=combinations) / len(kind)
        for kind in (features, others)
    )
    return mine, theirs


def _balanced_accuracy(mine: Floats, theirs: Floats) -> float:
    return float(np.maximum(mine, theirs).sum() / 2)


def _auc(mine: Floats, theirs: Floats) -> float:
    """Area under the curve that takes the combinations by falling likelihood ratio."""
    order = np.argsort(-mine / np.maximum(mine + theirs, 1e-300), kind="stable")
    hits = np.concatenate([[0.0], np.cumsum(mine[order])])
    alarms = np.diff(np.cumsum(theirs[order]), prepend=0.0)
    return float((alarms * (hits[1:] + hits[:-1]) / 2).sum())

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from artcurate.pairing.style import FEATURES, letters_key, measure_leak, plain_form


def apply(expression: pl.Expr, texts: list[str]) -> list[str | None]:
    return pl.DataFrame({"text": texts}).select(expression).to_series().to_list()


@pytest.mark.parametrize(
    ("polite", "plain"),
    [
        ("화가 나겠어요.", "화가 나겠어."),
        ("무슨 일인가 봐요. 힘들었겠네요!", None),
        ("친구와 다퉜군요.  속상했겠어요", "친구와 다퉜군.  속상했겠어"),
        ("힘든 하루죠.", "힘든 하루지."),
        ("좋은 기회예요.", "좋은 기회야."),
        ("소중한 사람이에요.", "소중한 사람이야."),
        ("그렇지요.", "그렇지."),
        ("요리를 배워 봐요.", "요리를 배워 봐."),
        ("시간이 필요.", None),
        ("괜찮으세요.", None),
        ("감사합니다.", None),
        ("속상하시겠어요.", None),
        ("어떻게 할까요?", None),
        ("집에 있어.", "집에 있어."),
    ],
)
def test_polite_sentences_lose_their_ending(polite: str, plain: str | None) -> None:
    assert apply(plain_form(pl.col("text")), [polite]) == [plain]


def test_sentences_are_equal_by_their_letters() -> None:
    same = ["그래, 나 1등!", "그래 나 1등...", "  그래나1등", "그래나1등"]
    assert len(set(apply(letters_key(pl.col("text")), same))) == 1
    assert apply(letters_key(pl.col("text")), ["?!", "...", "ABC"]) == ["?!", "...", "abc"]


def test_a_certain_tell() -> None:
    leak = measure_leak(
        pl.Series(["힘들겠어요.", "그렇군요."]), pl.Series(["힘들어.", "화가 나.", "싫어?"])
    )
    assert (leak.balanced_accuracy, leak.auc) == (1.0, 1.0)
    assert leak.feature == "polite ending -요 or -죠"
    assert (leak.texts, leak.others) == (2, 3)


def test_texts_that_are_alike_tell_nothing() -> None:
    texts = pl.Series(["힘들어.", "왜 그래?"])
    leak = measure_leak(texts, texts)
    assert (leak.balanced_accuracy, leak.auc, leak.feature_accuracy) == (0.5, 0.5, 0.5)


SENTENCES = st.lists(
    st.sampled_from(["해요.", "해.", "해!", "해?", "합니다.", "하셨어요?", "하시겠어."]),
    min_size=1,
    max_size=30,
)


@given(SENTENCES, SENTENCES)
def test_the_leak_is_that_of_the_best_rule(texts: list[str], others: list[str]) -> None:
    """The oracle trains nothing: it scores each combination by its empirical odds."""
    leak = measure_leak(pl.Series(texts), pl.Series(others))

    def combination(text: str) -> tuple[bool, ...]:
        frame = pl.DataFrame({"text": [text]})
        return tuple(
            frame.select(pl.col("text").str.contains(pattern)).item()
            for pattern in FEATURES.values()
        )

    mine, theirs = [combination(t) for t in texts], [combination(t) for t in others]
    odds = {
        one: mine.count(one)
        / len(mine)
        / (mine.count(one) / len(mine) + theirs.count(one) / len(theirs))
        for one in {*mine, *theirs}
    }
    truth = [1] * len(mine) + [0] * len(theirs)
    scores = [round(odds[one], 12) for one in mine + theirs]
    assert leak.auc == pytest.approx(roc_auc_score(truth, scores), abs=2e-4)
    told = np.mean([odds[one] > 0.5 for one in mine]) + np.mean(
        [odds[one] <= 0.5 for one in theirs]
    )
    assert leak.balanced_accuracy == pytest.approx(told / 2, abs=2e-4)
    assert 0.5 <= leak.feature_accuracy <= leak.balanced_accuracy + 1e-4

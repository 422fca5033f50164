from __future__ import annotations

import langdetect
import pytest

from artcurate.text.detector import guess

TEXTS = (
    "Gloomy empty streets, rain everywhere",
    "Colores cálidos, niños felices jugando",
    "Dunkle Bäume, kalte Farben",
    "女人闭着眼睛流泪",
    "وجه حزين",
)


def test_the_same_guess_in_any_order_and_after_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [guess(text, seed=7) for text in TEXTS]
    monkeypatch.setattr(langdetect.DetectorFactory, "seed", 12345)
    langdetect.detect("Something else in between")
    assert [guess(text, seed=7) for text in reversed(TEXTS)] == first[::-1]


def test_the_settings_of_langdetect_stay_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(langdetect.DetectorFactory, "seed", 99)
    guess(TEXTS[0], seed=7)
    assert langdetect.DetectorFactory.seed == 99


def test_no_letters_no_guess() -> None:
    assert guess("1914 !?", seed=0) is None
    assert guess("", seed=0) is None


def test_a_long_sentence() -> None:
    found = guess("La mujer mira por la ventana de su casa y piensa en el mar", seed=0)
    assert found is not None
    assert found.code == "es"
    assert 0.9 < found.probability <= 1

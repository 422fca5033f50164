"""The package langdetect, made repeatable."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
from langdetect.lang_detect_exception import LangDetectException


@dataclass(frozen=True, slots=True)
class Guess:
    """The most probable language: langdetect's code and its probability in (0, 1]."""

    code: str
    probability: float


def guess(text: str, seed: int) -> Guess | None:
    """The most probable of langdetect's 55 languages, None for a text without known letters.

    langdetect samples a text's n-grams at random. Here every text starts from `seed` and the
    profiles are read in the order of their names, so that the result depends on nothing else; the
    settings of langdetect's own module are neither read nor changed.
    """
    detector = _factory().create()
    detector.seed = seed
    detector.append(text)
    try:
        ranked = detector.get_probabilities()
    except LangDetectException:
        return None
    return Guess(ranked[0].lang, ranked[0].prob) if ranked else None


def codes() -> frozenset[str]:
    """The codes of the languages that langdetect knows."""
    return frozenset(_factory().langlist)


@lru_cache(maxsize=1)
def _factory() -> DetectorFactory:
    profiles = sorted(path for path in Path(PROFILES_DIRECTORY).iterdir() if path.is_file())
    factory = DetectorFactory()
    factory.load_json_profile([path.read_text(encoding="utf-8") for path in profiles])
    return factory

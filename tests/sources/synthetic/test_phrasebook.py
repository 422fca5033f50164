from __future__ import annotations

import dataclasses
import re
from importlib.resources import files

import numpy as np
import polars as pl
import pytest
import yaml

from artcurate.sources.synthetic.phrasebook import KINDS, Meanings, phrasebook
from artcurate.sources.synthetic.scenes import LANGUAGES


def book(language: str) -> dict[str, object]:
    text = files("artcurate.sources.synthetic") / "phrases" / f"{language}.yaml"
    loaded: dict[str, object] = yaml.safe_load(text.read_text(encoding="utf-8"))
    return loaded


def shape(node: object) -> object:
    if isinstance(node, dict):
        return {name: shape(child) for name, child in node.items()}
    assert isinstance(node, list)
    return len(node)


def meaning(**indices: int) -> Meanings:
    names = [field.name for field in dataclasses.fields(Meanings)]
    return Meanings(**{name: np.array([indices.get(name, 0)], dtype=np.int16) for name in names})


@pytest.mark.parametrize("language", ["arabic", "chinese"])
def test_books_are_parallel(language: str) -> None:
    english, other = book("english"), book(language)
    assert shape(other) == shape(english)
    slots = re.compile(r"\{(\w+)\}")
    for kind in KINDS:
        for one, two in zip(english["templates"][kind], other["templates"][kind], strict=True):
            assert set(map(str.lower, slots.findall(one))) == set(slots.findall(two)), (one, two)


@pytest.mark.parametrize(
    ("language", "letters"),
    [("english", "[A-Za-z]"), ("arabic", "[\u0600-\u06ff]"), ("chinese", "[\u4e00-\u9fff]")],
)
def test_phrases_are_unique_and_in_their_script(language: str, letters: str) -> None:
    for slot, phrases in phrasebook(language).phrases.items():
        spoken = [phrase for phrase in phrases if phrase]
        assert len(set(spoken)) == len(spoken), slot
        assert all(re.search(letters, phrase) for phrase in spoken), slot
        if language != "english":
            assert not any(re.search("[A-Za-z]", phrase) for phrase in spoken), slot


def test_one_meaning_in_three_languages() -> None:
    # Mountains, second detail, a reaction: contentment's fourth.
    first, _ = phrasebook("english").cue_range("reaction")
    said = meaning(kind=2, template=0, subject=0, detail=1, cue=int(first[2]) + 3)
    assert [phrasebook(language).realise(said).item() for language in LANGUAGES] == [
        "Clouds hang around the tops of the mountains, and it calms me down.",
        "تلتف الغيوم حول قمم الجبال، ويهدئني هذا.",
        "云雾缭绕着山顶，让我平静下来。",
    ]


def test_lead_and_tail_frame_a_sentence() -> None:
    said = meaning(kind=3, template=0, subject=1, lead=1, tail=1)
    assert phrasebook("english").realise(said).item() == (
        "Honestly, the waves break against the rocks, and the brush strokes are clearly visible, "
        "at least to me."
    )
    kept = meaning(kind=3, template=5, subject=1, lead=1)
    assert phrasebook("english").realise(kept).item().startswith("Honestly, I notice the sea")


def test_every_template_is_a_sentence_with_capital_and_stop() -> None:
    for language, stop in (("english", "."), ("arabic", "."), ("chinese", "。")):
        texts = pl.concat(
            [
                phrasebook(language).realise(meaning(kind=kind, template=template))
                for kind, name in enumerate(KINDS)
                for template in range(len(phrasebook(language).templates[name]))
            ]
        )
        assert texts.str.ends_with(stop).all()
        assert not texts.str.contains(r"[{}]|  ").any()
        if language == "english":
            assert texts.str.contains("^[A-Z]").all()


def test_captions_do_not_depend_on_their_neighbours() -> None:
    generator = np.random.default_rng(3)
    names = [field.name for field in dataclasses.fields(Meanings)]
    many = Meanings(**{name: generator.integers(0, 3, 500).astype(np.int16) for name in names})
    whole = phrasebook("english").realise(many)
    rows = generator.permutation(500)[:50]
    assert phrasebook("english").realise(many.take(rows)).to_list() == whole.gather(rows).to_list()

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artcurate.sources.synthetic.gallery import STYLES
from artcurate.sources.synthetic.pictures import Picture, paint
from artcurate.sources.synthetic.scenes import PALETTES, SUBJECTS

PLAIN = Picture(
    seed=0,
    number=1,
    style="Realism",
    subject=0,
    palette=0,
    valence=0.0,
    arousal=0.0,
    side=64,
)


@pytest.mark.parametrize("subject", range(len(SUBJECTS)), ids=SUBJECTS)
def test_every_subject_gives_a_picture_with_content(subject: int) -> None:
    image = paint(replace(PLAIN, subject=subject))
    assert image.mode == "RGB"
    assert min(image.size) == 64
    assert np.asarray(image.convert("L")).std() > 5


@pytest.mark.parametrize("style", [style.name for style in STYLES])
def test_every_style_paints(style: str) -> None:
    assert min(paint(replace(PLAIN, style=style)).size) == 64


def test_a_picture_depends_on_its_recipe_alone() -> None:
    assert paint(PLAIN).tobytes() == paint(replace(PLAIN)).tobytes()
    assert paint(PLAIN).tobytes() != paint(replace(PLAIN, number=2)).tobytes()


def test_mood_shows_in_light_and_palette() -> None:
    def brightness(valence: float) -> float:
        pictures = [replace(PLAIN, number=n, valence=valence) for n in range(20)]
        return float(np.mean([np.asarray(paint(picture)).mean() for picture in pictures]))

    assert brightness(0.8) > brightness(-0.8) + 15
    fiery, clear = (PALETTES.index(name) for name in ("fiery", "clear"))
    red, _, blue = np.asarray(paint(replace(PLAIN, palette=fiery))).mean(axis=(0, 1))
    assert red > 1.3 * blue
    red, _, blue = np.asarray(paint(replace(PLAIN, palette=clear))).mean(axis=(0, 1))
    assert blue > red * 0.9

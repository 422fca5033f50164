from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artcurate.sources.synthetic.gallery import STYLES, draw_gallery
from artcurate.sources.synthetic.slugs import MOJIBAKE_ARTISTS, mojibake


def test_mojibake_is_wikiarts_own_mistake() -> None:
    # The spelling of a painter in WikiArt's dump, bytes known from the dump.
    assert mojibake("joaquín-sorolla") == "joaquã\u00adn-sorolla"
    assert any("\u00ad" in artist for artist in MOJIBAKE_ARTISTS)
    assert any(artist.endswith("\u00a0") for artist in MOJIBAKE_ARTISTS)


@settings(max_examples=20, deadline=None)
@given(paintings=st.integers(30, 400), seed=st.integers(0, 10_000))
def test_any_gallery_is_sound(paintings: int, seed: int) -> None:
    gallery = draw_gallery(paintings, seed)
    assert len(gallery) == len(set(gallery.keys)) == paintings
    assert np.allclose(gallery.moods.sum(axis=1), 1.0)
    faulty = {gallery.missing, gallery.truncated, gallery.located}
    copies = {row for pair in gallery.copies for row in pair}
    assert len(faulty) == 3
    assert not faulty & copies
    for original, copy in gallery.copies:
        assert gallery.styles[original] != gallery.styles[copy]
        assert gallery.captioned[original]


def test_styles_have_wikiarts_shares() -> None:
    gallery = draw_gallery(8_000, 1)
    counts = np.bincount(gallery.styles, minlength=len(STYLES)) / len(gallery)
    expected = np.array([style.count for style in STYLES]) / 81_444
    assert np.abs(counts - expected).max() < 0.005
    assert np.bincount(draw_gallery(90, 1).styles, minlength=27).min() >= 1


def test_base_names_collide_as_in_wikiart() -> None:
    gallery = draw_gallery(8_000, 1)
    shared = sum(count > 1 for count in Counter(gallery.names).values())
    # 1,349 of 81,446 in WikiArt.
    assert 0.008 < shared / len(gallery) < 0.03
    pictures = {name: set() for name, count in Counter(gallery.names).items() if count > 1}
    for name, picture in zip(gallery.names, gallery.picture.tolist(), strict=True):
        if name in pictures:
            pictures[name].add(picture)
    assert any(len(different) > 1 for different in pictures.values())
    numbered = [name for name in gallery.names if name.endswith(")")]
    assert 0.02 < len(numbered) / len(gallery) < 0.06
    assert any(name.rpartition("(")[0] in gallery.names for name in numbered)


def test_mojibake_has_wikiarts_share() -> None:
    gallery = draw_gallery(8_000, 1)
    share = sum(not name.isascii() for name in gallery.names) / len(gallery)
    assert share == pytest.approx(709 / 81_446, rel=0.2)

from __future__ import annotations

import io

from PIL import Image

from artcurate.images.jpeg import START_OF_SCAN, header_segments


def test_the_segments_are_those_that_pillow_finds() -> None:
    target = io.BytesIO()
    Image.new("RGB", (20, 10)).save(target, "JPEG", comment=b"painted", optimize=True)
    data = target.getvalue()
    found = list(header_segments(data))
    with Image.open(io.BytesIO(data)) as image:
        named = dict(image.applist)
    assert found[0].body == named["APP0"]
    assert [one.body for one in found if one.marker == 0xFE] == [named["COM"]]
    frame = next(one for one in found if one.marker == 0xC0)
    assert frame.body[1:5] == bytes((0, 10, 0, 20))
    assert found[-1].marker == START_OF_SCAN
    assert data[found[-1].end - len(found[-1].body) : found[-1].end] == found[-1].body


def test_bytes_that_fill_the_way_to_a_marker_are_passed_over() -> None:
    segments = list(header_segments(b"\xff\xd8" + b"\xff\xff\xff\xfe\x00\x04hi" + b"\xff\xda\0\2"))
    assert [(one.marker, one.body) for one in segments] == [(0xFE, b"hi"), (0xDA, b"")]


def test_what_has_no_marker_ends_the_segments() -> None:
    assert list(header_segments(b"\xff\xd8\xff\xfe\x00\x03aXY\xff\xda\x00\x02"))[-1].body == b"a"
    for short in (b"", b"\xff\xd8", b"\xff\xd8\xff\xfe\x00", b"\xff\xd8\xff\xff\xff"):
        assert list(header_segments(short)) == []

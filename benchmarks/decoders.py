"""Ways to make a small JPEG of a large one: CPU time, and how near it comes to a full reduction.

Each way turns a file into a JPEG of quality 90 in one thread of one process. The reference is
Pillow's full decode and Lanczos reduction. SSIM of the brightness and pHash (bits that differ) are
those of the pixels before they are encoded; SSIM of the colours is that of the JPEG written, which
no way can bring near 1. Ways take turns, picture by picture, and the best of several rounds counts.
`--folder` takes real scans instead of the synthetic ones; those hardly larger than the target are
left out, since nothing is gained with them. Needs opencv-python-headless, scikit-image, pyvips and
libturbojpeg.

    python benchmarks/decoders.py [--size 512] [--images 12] [--rounds 5] [--folder DIR]
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyvips
from photographs import CID, WIKIART, make_photographs
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from skimage.metrics import structural_similarity

from artcurate.images.decoders import Decoder, choose
from artcurate.images.header import Opened, open_image
from artcurate.images.phash import phash
from artcurate.images.planes import Picture, Planes
from artcurate.images.probe import picture_phash
from artcurate.images.transform import ImageForm, Transformed, encode, render, scaled_size

LANCZOS, BICUBIC = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC
QUALITY = 90
NEVER = 1e9
Size = tuple[int, int]
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True, slots=True)
class Way:
    """reduce: pixels of the target size from a file. write: them as a JPEG. luma: their grey.

    hash: their pHash; that of their grey where nothing is said.
    """

    reduce: Callable[[bytes, Size], object]
    write: Callable[[object], bytes]
    luma: Callable[[object], Image.Image]
    hash: Callable[[object], int] | None = None

    def phash(self, pixels: object) -> int:
        return self.hash(pixels) if self.hash else phash(self.luma(pixels))


def size_of(data: bytes) -> Size:
    return JpegImageFile(io.BytesIO(data)).size


def shrink_for(data: bytes, target: Size, oversampling: float) -> int:
    """The largest reduction whose short side is `oversampling` times the target's or more."""
    short = min(size_of(data)) / (oversampling * min(target))
    return max(scale for scale in (1, 2, 4, 8) if scale == 1 or scale <= short)


def written(picture: object) -> bytes:
    assert isinstance(picture, Picture)
    result = encode(picture, QUALITY)
    assert isinstance(result, Transformed)
    return result.data


def grey(picture: object) -> Image.Image:
    assert isinstance(picture, Picture)
    if isinstance(picture, Planes):
        return Image.fromarray(picture.brightness)
    return picture.convert("L")


def hashed(picture: object) -> int:
    assert isinstance(picture, Picture)
    return picture_phash(picture)


def by_artcurate(decoder: Decoder) -> Way:
    def run(data: bytes, target: Size) -> Picture:
        opened = open_image(data)
        assert isinstance(opened, Opened)
        form = ImageForm(min(target), QUALITY, decoder)
        picture = render(opened, form, (0, 0, *opened.image.size))
        assert isinstance(picture, Picture)
        return picture

    return Way(run, written, grey, hashed)


def by_pillow(oversampling: float, resampling: Image.Resampling) -> Way:
    def run(data: bytes, target: Size) -> Image.Image:
        image = JpegImageFile(io.BytesIO(data))
        shrink = shrink_for(data, target, oversampling)
        image.draft(None, (image.width // shrink, image.height // shrink))
        return image.resize(target, resampling)

    return Way(run, written, grey)


def by_thumbnail() -> Way:
    def run(data: bytes, target: Size) -> Image.Image:
        width, height = target
        image = pyvips.Image.thumbnail_buffer(data, width, height=height, size="force")
        return Image.frombuffer("RGB", target, image.write_to_memory(), "raw")

    return Way(run, written, grey)


def by_opencv(oversampling: float, interpolation: int) -> Way:
    def run(data: bytes, target: Size) -> np.ndarray:
        flags = _REDUCED[shrink_for(data, target, oversampling)] | cv2.IMREAD_IGNORE_ORIENTATION
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        return cv2.resize(pixels, target, interpolation=interpolation)

    def write(pixels: object) -> bytes:
        assert isinstance(pixels, np.ndarray)
        _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        return data.tobytes()

    def luma(pixels: object) -> Image.Image:
        assert isinstance(pixels, np.ndarray)
        return Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).convert("L")

    return Way(run, write, luma)


PEER = "OpenCV, full, area (what img2dataset does)"
WAYS: Mapping[str, Way] = {
    PEER: by_opencv(NEVER, cv2.INTER_AREA),
    "OpenCV, full, Lanczos of 8 x 8 pixels": by_opencv(NEVER, cv2.INTER_LANCZOS4),
    "OpenCV, from 1.8 times, area": by_opencv(1.8, cv2.INTER_AREA),
    "artcurate with turbo": by_artcurate("turbo"),
    "artcurate with libvips": by_artcurate("libvips"),
    "artcurate with Pillow": by_artcurate("pillow"),
    "Pillow, full, Lanczos": by_pillow(NEVER, LANCZOS),
    "Pillow, full, bicubic": by_pillow(NEVER, BICUBIC),
    "Pillow, from 1 time, Lanczos": by_pillow(1, LANCZOS),
    "libvips, thumbnail": by_thumbnail(),
}


def milliseconds(
    files: Sequence[bytes], targets: Sequence[Size], rounds: int
) -> dict[str, list[float]]:
    """CPU time of each way for each picture."""
    best = {name: [float("inf")] * len(files) for name in WAYS}
    for _ in range(rounds):
        for place, (data, target) in enumerate(zip(files, targets, strict=True)):
            for name, way in WAYS.items():
                start = time.process_time()
                way.write(way.reduce(data, target))
                best[name][place] = min(best[name][place], 1000 * (time.process_time() - start))
    return best


def show(name: str, files: Sequence[bytes], size: int, rounds: int) -> None:
    targets = [scaled_size(*size_of(data), size) for data in files]
    references = [
        Image.open(io.BytesIO(data)).convert("RGB").resize(target, LANCZOS)
        for data, target in zip(files, targets, strict=True)
    ]
    costs = milliseconds(files, targets, rounds)
    print(f"\n{name}, {len(files)} pictures to {size} px\n")
    print(
        "| | ms per picture | times the first's rate | SSIM, median | worst | in colour, written "
        "| pHash bits, mean | most |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for label, way in WAYS.items():
        made = [way.reduce(data, target) for data, target in zip(files, targets, strict=True)]
        luma = [way.luma(picture) for picture in made]
        bits = [
            (phash(reference) ^ way.phash(picture)).bit_count()
            for reference, picture in zip(references, made, strict=True)
        ]
        ssim = [
            similarity(one.convert("L"), two) for one, two in zip(references, luma, strict=True)
        ]
        colour = [
            similarity(one, Image.open(io.BytesIO(way.write(two))).convert("RGB"))
            for one, two in zip(references, made, strict=True)
        ]
        print(
            f"| {label} | {np.mean(costs[label]):.1f} | "
            f"{sum(costs[PEER]) / sum(costs[label]):.2f} | {np.median(ssim):.4f} | "
            f"{min(ssim):.4f} | {np.median(colour):.4f} | {np.mean(bits):.2f} | {max(bits)} |"
        )


def similarity(left: Image.Image, right: Image.Image) -> float:
    axis = 2 if left.mode == "RGB" else None
    return float(structural_similarity(np.asarray(left), np.asarray(right), channel_axis=axis))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="a folder of JPEG scans")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    for decoder in ("libvips", "turbo"):
        choose(decoder)
    if given.folder:
        files = [path.read_bytes() for path in sorted(given.folder.rglob("*.jpg"))]
        files = [one for one in files if min(size_of(one)) > 1.2 * given.size]
        show("real scans", files, given.size, given.rounds)
        return
    with tempfile.TemporaryDirectory() as scratch:
        for kind in (WIKIART, CID):
            paths = make_photographs(Path(scratch, kind.name), kind, given.images)
            files = [path.read_bytes() for path in paths]
            show(f"{kind.name}, {kind.width} x {kind.height}", files, given.size, given.rounds)


if __name__ == "__main__":
    main()

"""Ways to make a small picture of a JPEG: CPU time, and how near it comes to a full reduction.

Each way turns the file into pixels of the target size, without encoding them. The reference is
Pillow's full decode and Lanczos reduction. SSIM and PSNR are those of the colour pixels, pHash is
the number of bits that differ. Speed is the best of several rounds of CPU time in one thread.
`--folder` takes real scans instead of the synthetic ones; those hardly larger than the target are
left out, since nothing is gained with them. Needs opencv-python-headless, scikit-image and pyvips.

    python benchmarks/decoders.py [--size 512] [--images 12] [--folder DIR]
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pyvips
from photographs import CID, WIKIART, make_photographs
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from artcurate.images.decoders import choose, reduce_jpeg
from artcurate.images.phash import phash
from artcurate.images.transform import scaled_size

LANCZOS, BICUBIC = Image.Resampling.LANCZOS, Image.Resampling.BICUBIC
Way = Callable[[bytes, tuple[int, int]], Image.Image]
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def size_of(data: bytes) -> tuple[int, int]:
    return JpegImageFile(io.BytesIO(data)).size


def shrink_for(data: bytes, target: tuple[int, int], oversampling: float) -> int:
    """The largest reduction whose short side is `oversampling` times the target's or more."""
    short = min(size_of(data)) / (oversampling * min(target))
    return max(scale for scale in (1, 2, 4, 8) if scale == 1 or scale <= short)


def by_pillow(oversampling: float, resampling: Image.Resampling) -> Way:
    def run(data: bytes, target: tuple[int, int]) -> Image.Image:
        image = JpegImageFile(io.BytesIO(data))
        shrink = shrink_for(data, target, oversampling)
        image.draft(None, (image.width // shrink, image.height // shrink))
        return image.resize(target, resampling)

    return run


def by_libvips(oversampling: float) -> Way:
    def run(data: bytes, target: tuple[int, int]) -> Image.Image:
        image = reduce_jpeg(data, shrink_for(data, target, oversampling), target)
        assert isinstance(image, Image.Image)
        return image

    return run


def by_thumbnail(data: bytes, target: tuple[int, int]) -> Image.Image:
    width, height = target
    image = pyvips.Image.thumbnail_buffer(data, width, height=height, size="force")
    return Image.frombuffer("RGB", target, image.write_to_memory(), "raw")


def by_opencv(oversampling: float, interpolation: int) -> Way:
    def run(data: bytes, target: tuple[int, int]) -> Image.Image:
        flags = _REDUCED[shrink_for(data, target, oversampling)] | cv2.IMREAD_IGNORE_ORIENTATION
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        small = cv2.resize(pixels, target, interpolation=interpolation)
        return Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))

    return run


NEVER = 1e9
WAYS: Mapping[str, Way] = {
    "Pillow, full, Lanczos": by_pillow(NEVER, LANCZOS),
    "Pillow, from 1.8 times, Lanczos (artcurate)": by_pillow(1.8, LANCZOS),
    "Pillow, from 1 time, Lanczos": by_pillow(1, LANCZOS),
    "Pillow, from 1 time, bicubic": by_pillow(1, BICUBIC),
    "libvips, from 1.8 times, Lanczos (artcurate)": by_libvips(1.8),
    "libvips, from 1 time, Lanczos": by_libvips(1),
    "libvips, thumbnail": by_thumbnail,
    "OpenCV, full, area (img2dataset)": by_opencv(NEVER, cv2.INTER_AREA),
    "OpenCV, from 1.8 times, area": by_opencv(1.8, cv2.INTER_AREA),
}


def milliseconds(way: Way, files: Sequence[bytes], targets: Sequence[tuple[int, int]]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        for data, target in zip(files, targets, strict=True):
            way(data, target)
        best = min(best, time.process_time() - start)
    return 1000 * best / len(files)


def show(name: str, files: Sequence[bytes], size: int) -> None:
    targets = [scaled_size(*size_of(data), size) for data in files]
    references = [
        Image.open(io.BytesIO(data)).convert("RGB").resize(target, LANCZOS)
        for data, target in zip(files, targets, strict=True)
    ]
    print(f"\n{name}, {len(files)} pictures to {size} px\n")
    print("| | ms per picture | SSIM, median | worst | PSNR, median | pHash bits, mean | most |")
    print("|---|---|---|---|---|---|---|")
    for label, way in WAYS.items():
        made = [way(data, target) for data, target in zip(files, targets, strict=True)]
        pairs = [
            (np.asarray(reference), np.asarray(image))
            for reference, image in zip(references, made, strict=True)
        ]
        ssim = [structural_similarity(*pair, channel_axis=2) for pair in pairs]
        # Equal pictures have no noise to compare with: 99 dB stands for them.
        psnr = [
            99.0 if (a == b).all() else peak_signal_noise_ratio(a, b, data_range=255)
            for a, b in pairs
        ]
        bits = [
            (phash(reference) ^ phash(image)).bit_count()
            for reference, image in zip(references, made, strict=True)
        ]
        print(
            f"| {label} | {milliseconds(way, files, targets):.1f} | {np.median(ssim):.4f} | "
            f"{min(ssim):.4f} | {np.median(psnr):.1f} | {np.mean(bits):.2f} | {max(bits)} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--folder", type=Path, help="a folder of JPEG scans")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    choose("libvips")
    if given.folder:
        files = [path.read_bytes() for path in sorted(given.folder.rglob("*.jpg"))]
        show(
            "real scans", [one for one in files if min(size_of(one)) > 1.2 * given.size], given.size
        )
        return
    with tempfile.TemporaryDirectory() as scratch:
        for kind in (WIKIART, CID):
            paths = make_photographs(Path(scratch, kind.name), kind, given.images)
            files = [path.read_bytes() for path in paths]
            show(f"{kind.name}, {kind.width} x {kind.height}", files, given.size)


if __name__ == "__main__":
    main()

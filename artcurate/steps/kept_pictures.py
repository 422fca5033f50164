"""Pictures that the probe made for `write`, kept so that no build decodes them again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from artcurate.errors import DataError
from artcurate.files import make_folder, require_free_space
from artcurate.images.packs import SUFFIX, read_records
from artcurate.images.transform import ImageForm
from artcurate.images.versions import form_identity
from artcurate.shards.plan import CROP_COLUMNS, KEPT_COLUMNS
from artcurate.shards.sizes import encoded_image_bytes
from artcurate.steps.registry import Run

#: A pack that no build has used for so many days goes when a build keeps pictures.
UNUSED_DAYS = 30
#: What a killed worker left goes after so many days; none works at one pack for that long.
_PARTIAL_DAYS = 1
#: Width and height of the picture whose bytes in a form stand for those of any.
_LARGE = (np.array([6_000]), np.array([4_000]))
_FOLDER = "pictures"
_DAY = 86_400.0

#: The sha256 of an image file, and where the picture that was made of it lies.
_PLACES = {
    "sha256": pl.String(),
    "kept_pack": pl.String(),
    "kept_offset": pl.Int64(),
    "kept_bytes": pl.Int64(),
    "kept_sha256": pl.String(),
}


def lasting_folder(run: Run) -> Path:
    """Where this process keeps what outlives the build if that can be, else until it ends."""
    if run.cache is not None:
        with suppress(DataError):
            make_folder(run.cache)
            return run.cache
    return run.scratch


@dataclass(frozen=True, slots=True)
class KeptPictures:
    """Pictures in `form`, in packs in `folder`, which every worker sees.

    They are a help and no more: what is missing or damaged is made from its file again.
    """

    form: ImageForm
    folder: Path

    def find(self, sha256: pl.Series) -> pl.DataFrame:
        """Where the pictures made of files with these hashes lie, one row for each that is kept.

        Columns: sha256 (of the file), kept_pack (a name in `folder`), kept_offset, kept_bytes and
        kept_sha256 (of the picture). The packs that they lie in count as used today.
        """
        records, names = [], []
        for pack in sorted(self.folder.glob(f"*{SUFFIX}")):
            found = read_records(pack)
            if found is not None:
                records.append(found)
                names += [pack.name] * len(found)
        if not records:
            return pl.DataFrame(schema=_PLACES)
        every = np.concatenate(records)
        places = (
            pl.DataFrame(
                {
                    "source": every["source"].tolist(),
                    "kept_pack": names,
                    "kept_offset": every["offset"],
                    "kept_bytes": every["bytes"],
                    "kept": every["sha256"].tolist(),
                }
            )
            .join(sha256.unique().str.decode("hex").to_frame("source"), on="source", how="semi")
            .unique("source", keep="first", maintain_order=True)
            .select(
                pl.col("source").bin.encode("hex").alias("sha256"),
                *KEPT_COLUMNS[:3],
                pl.col("kept").bin.encode("hex").alias("kept_sha256"),
            )
        )
        for name in places["kept_pack"].unique():
            with suppress(OSError):
                os.utime(self.folder / name)
        return places

    def locate(self, images: pl.DataFrame) -> pl.DataFrame:
        """`images` with `KEPT_COLUMNS`, null where no picture is kept or only a part is wanted."""
        cut = [pl.col(name).is_not_null() for name in CROP_COLUMNS if name in images.columns]
        whole = ~pl.any_horizontal(cut) if cut else pl.lit(value=True)
        return images.join(
            self.find(images["sha256"]), on="sha256", how="left", maintain_order="left"
        ).with_columns(pl.when(whole).then(pl.col(name)).alias(name) for name in KEPT_COLUMNS)

    def make_room(self, pictures: int, output: Path) -> None:
        """Make the folder, remove packs that builds no longer use, and look for room.

        Raises DataError where there is not enough for so many more pictures, and for the dataset
        in `output` too where that lies on the same file system, or the folder cannot be made.
        """
        make_folder(self.folder)
        _remove_unused(self.folder.parent)
        (each,) = encoded_image_bytes(*_LARGE, self.form)
        shared = _device(self.folder) == _device(output)
        require_free_space(self.folder, int(each) * pictures * (2 if shared else 1))


def kept_pictures(run: Run, form: ImageForm) -> KeptPictures:
    """The pictures in `form` that workers of `run` can see, those of other builds if possible."""
    digest = hashlib.sha256(json.dumps(form_identity(form), sort_keys=True).encode()).hexdigest()
    seen = lasting_folder(run) if run.workers_see_cache else run.scratch
    return KeptPictures(form, seen / _FOLDER / digest[:16])


def _remove_unused(folder: Path) -> None:
    """Remove old packs below `folder`; other builds may be writing there."""
    now = time.time()
    for path in folder.glob("*/*"):
        days = UNUSED_DAYS if path.suffix == SUFFIX else _PARTIAL_DAYS
        # Another build may be removing it too.
        with suppress(OSError):
            if path.stat().st_mtime < now - days * _DAY:
                path.unlink()


def _device(path: Path) -> int:
    """The file system of `path`, which need not be there yet."""
    there = next(one for one in (path, *path.parents) if one.exists())
    return there.stat().st_dev

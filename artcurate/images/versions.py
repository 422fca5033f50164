"""What decides the bytes of a picture beside its file and its form: libraries, and this code."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import cache
from pathlib import Path

from PIL import features

from artcurate import __version__
from artcurate.images.decoders import version_of
from artcurate.images.transform import ImageForm

#: Pillow and the libraries in it whose version decides pixels and JPEG bytes.
_CODECS = ("pil", "jpg", "libjpeg_turbo", "littlecms2")


def library_versions(form: ImageForm) -> dict[str, str | None]:
    """Versions of the libraries that decide the bytes of a picture in `form`."""
    return {codec: features.version(codec) for codec in _CODECS} | {
        "decoder": version_of(form.decoder)
    }


def form_identity(form: ImageForm) -> dict[str, object]:
    """Everything that decides a picture beside its file: where it is equal, so are the bytes.

    The code counts by the content of its modules: what is kept beyond a build must not outlive a
    change of code that nobody thought to number.
    """
    code = {"artcurate": __version__, "images": code_digest(Path(__file__).parent)}
    return {**asdict(form), **library_versions(form), **code}


@cache
def code_digest(folder: Path) -> str:
    """The sha256 of all code below `folder`, Python and C, with the names of its files."""
    digest = hashlib.sha256()
    code = [path for path in folder.rglob("*") if path.suffix in (".py", ".c", ".h")]
    for path in sorted(code):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()

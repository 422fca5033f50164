"""The aligned encoders that VL-KE-T5's authors distribute as a zip: read without running its code.

The zip holds what `VisionT5MeanBiEncoder.save_pretrained` of their repository wrote (github.com,
AIRC-KETI/VL-KE-T5, modeling_encoder.py): `vision/`, a ViT, and `language/`, a T5 encoder with a
pooler of its own, each a config.json and the weights. The pooler takes the masked sum over tokens
divided by the root of their number through Linear and LayerNorm. Tokenizer and image processor are
not in the zip; they are those of the models that the alignment started from.

Their `VisionT5SimpleBiEncoder` (first token in place of the sum) has the same names and cannot be
told apart; a zip is read as the mean one, which is what the paper and the downloads are.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import secrets
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, PretrainedConfig, T5EncoderModel, ViTModel

from artcurate import home
from artcurate.benchmark.encoder_files import EncoderFiles
from artcurate.benchmark.encoders import PROJECTION_FILE, quiet_transformers
from artcurate.errors import DataError
from artcurate.files import file_system_errors, make_folder, sha256_of, write_bytes

Part: TypeAlias = Literal["vision", "language"]

_MODELS: Final[dict[Part, tuple[str, Any]]] = {
    "vision": ("vit", ViTModel),
    "language": ("t5", T5EncoderModel),
}
#: The weights' file by preference; the second is a pickle, of which only tensors are loaded.
_WEIGHTS: Final = ("model.safetensors", "pytorch_model.bin")
_PROJECTION: Final = (
    "pooler.dense1.weight",
    "pooler.dense1.bias",
    "pooler.layernorm.weight",
    "pooler.layernorm.bias",
)
#: Bytes that are unpacked at most. The base models' weights are below 1 GiB.
_MOST_WEIGHTS: Final = 4 << 30
_MOST_CONFIG: Final = 1 << 20
_CHUNK: Final = 1 << 20
_NAMED: Final = 4
#: What torch and safetensors raise on a file that is none of theirs, or holds more than tensors.
_DAMAGED: Final = (
    pickle.UnpicklingError,
    SafetensorError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)
#: Raised by increment when the form of the converted folders changes.
_FORM: Final = 1


def aligned_encoder(archive: Path, part: Part, settings: EncoderFiles) -> Path:
    """A folder in the data home with the zip's encoder `part` as any encoder loader takes it.

    settings: the files of the model whose tokenizer or image processor goes with it.

    The zip is converted once; the folder is found again by the sha256 of both.

    Raises DataError when the zip cannot be read, is laid out otherwise, holds more than such models
    do, or its weights are not exactly those that its configuration names.
    """
    try:
        digest = sha256_of(archive)
    except OSError as error:
        raise DataError(f"{archive}: cannot be read ({error.strerror}); give the zip.") from None
    key = hashlib.sha256(f"{_FORM}\0{digest}\0{settings.sha256}".encode()).hexdigest()[:16]
    folder = home.data_home() / "encoders" / f"aligned-{key}-{part}"
    if folder.is_dir():
        return folder
    make_folder(folder.parent)
    stage = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        make_folder(stage)
        _convert(archive, part, stage)
        _copy_settings(settings.folder, stage)
        with file_system_errors(folder):
            stage.rename(folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return folder


def _convert(archive: Path, part: Part, folder: Path) -> None:
    """Put config.json, model.safetensors and, for language, the projection into `folder`."""
    raw = folder / "weights"
    try:
        with zipfile.ZipFile(archive) as opened:
            root = _root(archive, opened)
            config = _config(archive, opened, f"{root}{part}/config.json", part)
            name = _weights_name(archive, opened, f"{root}{part}/")
            _unpack(archive, opened, name, raw)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise DataError(f"{archive}: cannot be unpacked ({error}); fetch it again.") from None
    write_bytes(folder / "config.json", json.dumps(config, sort_keys=True).encode())
    state = _state(archive, name, raw)
    if part == "language":
        save_file(_projection(archive, state, int(config["d_model"])), folder / PROJECTION_FILE)
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    raw.unlink()
    _check_loads(archive, part, folder)


def _root(archive: Path, opened: zipfile.ZipFile) -> str:
    """What stands before `vision/` and `language/` in the zip."""
    end = "vision/config.json"
    names = set(opened.namelist())
    roots = [name.removesuffix(end) for name in sorted(names) if name.endswith(end)]
    found = [root for root in roots if f"{root}language/config.json" in names]
    if len(found) != 1 or (found[0] and not found[0].endswith("/")):
        raise DataError(
            f"{archive}: it must have one folder with vision/config.json and language/config.json "
            f"and has {len(found)}; give the zip of VisionT5MeanBiEncoder."
        )
    return found[0]


def _config(archive: Path, opened: zipfile.ZipFile, name: str, part: Part) -> dict[str, Any]:
    info = opened.getinfo(name)
    _require_size(archive, info, _MOST_CONFIG)
    kind = _MODELS[part][0]
    try:
        with opened.open(info) as file:
            content = json.loads(file.read(_MOST_CONFIG + 1))
    except (ValueError, RuntimeError) as error:
        raise DataError(f"{archive}: {name} is no configuration ({error}).") from None
    if not isinstance(content, dict) or content.get("model_type") != kind:
        found = content.get("model_type") if isinstance(content, dict) else None
        raise DataError(f"{archive}: {name} must tell the model type {kind} and tells {found}.")
    width = content.get("d_model" if part == "language" else "hidden_size")
    if not isinstance(width, int):
        raise DataError(f"{archive}: {name} does not tell the width of its vectors.")
    return {key: value for key, value in content.items() if key != "auto_map"}


def _weights_name(archive: Path, opened: zipfile.ZipFile, folder: str) -> str:
    names = set(opened.namelist())
    for name in _WEIGHTS:
        if f"{folder}{name}" in names:
            return f"{folder}{name}"
    there = sorted(name.removeprefix(folder) for name in names if name.startswith(folder))
    raise DataError(
        f"{archive}: {folder} has neither {' nor '.join(_WEIGHTS)}, only "
        f"{', '.join(there[:_NAMED])}."
    )


def _unpack(archive: Path, opened: zipfile.ZipFile, name: str, target: Path) -> None:
    info = opened.getinfo(name)
    _require_size(archive, info, _MOST_WEIGHTS)
    try:
        with opened.open(info) as source, file_system_errors(target), target.open("wb") as out:
            shutil.copyfileobj(source, out, _CHUNK)
    except RuntimeError as error:
        raise DataError(f"{archive}: {name} cannot be unpacked ({error}).") from None


def _require_size(archive: Path, info: zipfile.ZipInfo, most: int) -> None:
    """zipfile never gives more bytes than a member declares."""
    if info.file_size > most:
        raise DataError(
            f"{archive}: {info.filename} would unpack to {info.file_size:,} bytes, more than the "
            f"{most:,} that such a file may have."
        )


def _state(archive: Path, name: str, raw: Path) -> dict[str, Tensor]:
    """The tensors of a weights' file, each with memory of its own."""
    try:
        if name.endswith(".safetensors"):
            loaded: Any = load_file(raw)
        else:
            loaded = torch.load(raw, map_location="cpu", weights_only=True)
    except _DAMAGED as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"{archive}: {name} is not a file of weights alone ({reason}); nothing else of a "
            "pickle is loaded, because it could run code."
        ) from None
    if not isinstance(loaded, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in loaded.items()
    ):
        raise DataError(f"{archive}: {name} is no table of tensors by name.")
    return {key: value.detach().clone().contiguous() for key, value in loaded.items()}


def _projection(archive: Path, state: dict[str, Tensor], width: int) -> dict[str, Tensor]:
    """Take the pooler's tensors out of `state`."""
    missing = [name for name in _PROJECTION if name not in state]
    if missing:
        raise DataError(
            f"{archive}: language/ lacks {', '.join(missing)}; without its own pooler it is not "
            "the encoder that was aligned."
        )
    found = {name: state.pop(name).float() for name in _PROJECTION}
    for name, tensor in found.items():
        wanted = (width, width) if name == _PROJECTION[0] else (width,)
        if tuple(tensor.shape) != wanted:
            raise DataError(
                f"{archive}: {name} has the shape {tuple(tensor.shape)} in place of {wanted}."
            )
    return {name.removeprefix("pooler."): tensor for name, tensor in found.items()}


def _check_loads(archive: Path, part: Part, folder: Path) -> None:
    """Raise DataError naming tensors that are missing, unknown or of another shape."""
    _, model_class = _MODELS[part]
    with quiet_transformers():
        try:
            config: PretrainedConfig = AutoConfig.from_pretrained(folder, local_files_only=True)
            _, info = model_class.from_pretrained(
                folder, config=config, local_files_only=True, output_loading_info=True,
                ignore_mismatched_sizes=True,
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{archive}: {part}/ cannot be loaded ({reason}).") from None
    problems = [
        f"{archive}: {part}/ {what} {_some(names)}; its weights are not those of its config.json."
        for what, names in (
            ("lacks", info["missing_keys"]),
            ("has the unknown", info["unexpected_keys"]),
            ("has in another shape", [one[0] for one in info["mismatched_keys"]]),
        )
        if names
    ]
    if problems:
        raise DataError(problems)


def _some(names: Any) -> str:
    known = sorted(map(str, names))
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return ", ".join(known[:_NAMED]) + more


def _copy_settings(source: Path, target: Path) -> None:
    """Tokenizer and processor files; the zip's own configuration and weights stay."""
    for pattern in ("*.json", "*.model", "*.txt"):
        for path in sorted(source.glob(pattern)):
            if not (target / path.name).exists() and not path.name.endswith(".index.json"):
                with file_system_errors(target):
                    shutil.copyfile(path, target / path.name)

"""The files of a pretrained encoder: a local folder or a repository of the Hub, never code."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from artcurate.errors import DataError
from artcurate.files import sha256_of

#: What an encoder needs; never Python files, never pickled weights.
_WANTED = ("*.json", "*.safetensors", "*.model", "*.txt")
#: All of it but the weights.
_SETTINGS = ("*.json", "*.model", "*.txt")
_SENTENCEPIECE = ("spiece.model", "sentencepiece.bpe.model", "sentencepiece.model")


@dataclass(frozen=True, slots=True)
class EncoderFiles:
    """An encoder that lies on this machine.

    id: as it was asked for. revision: the commit on the Hub, "local" for a folder.
    sha256: over the names and contents of the weights and all settings beside them.
    """

    id: str
    revision: str
    folder: Path
    sha256: str


def find_encoder(identifier: str, revision: str | None) -> EncoderFiles:
    """The files of the encoder in the folder or Hub repository `identifier`, checked.

    Raises DataError when the Hub cannot be reached, the repository or revision does not exist, the
    weights are not safetensors, or the tokenizer needs a package that is not installed.
    """
    folder = Path(identifier).expanduser()
    if folder.is_dir():
        commit = "local"
    else:
        folder = _download(identifier, revision)
        commit = folder.name
    _check(identifier, folder)
    return EncoderFiles(identifier, commit, folder, _fingerprint(folder))


def find_settings(identifier: str, revision: str | None) -> EncoderFiles:
    """Tokenizer, processor and configuration of an encoder, without its weights.

    Raises DataError when the Hub cannot be reached, or the repository or revision does not exist.
    """
    folder = Path(identifier).expanduser()
    commit = "local"
    if not folder.is_dir():
        folder = _download(identifier, revision, patterns=_SETTINGS)
        commit = folder.name
    return EncoderFiles(identifier, commit, folder, _fingerprint(folder, _SETTINGS))


def _download(identifier: str, revision: str | None, patterns: tuple[str, ...] = _WANTED) -> Path:
    try:
        found = snapshot_download(
            identifier, revision=revision, allow_patterns=list(patterns), ignore_patterns=["*/*"]
        )
    except HFValidationError:
        raise DataError(
            f"encoder {identifier}: there is no such folder, and it is no id of the Hub "
            "(owner/name); give one of both."
        ) from None
    except RevisionNotFoundError:
        raise DataError(
            f"encoder {identifier}: the Hub has no revision {revision}; see its page for others."
        ) from None
    except RepositoryNotFoundError:
        raise DataError(
            f"encoder {identifier}: the Hub has no such model, or not for you; check the id, run "
            "`hf auth login` for a gated one, or give the path of a local folder."
        ) from None
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError):
        pinned = f" --revision {revision}" if revision else ""
        raise DataError(
            f"encoder {identifier}: the Hub cannot be reached and the model is not in the local "
            f"cache; where there is a network, run `hf download {identifier}{pinned} --local-dir "
            "FOLDER`, bring the folder here and give its path instead of the id."
        ) from None
    return Path(found)


def _check(identifier: str, folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise DataError(f"encoder {identifier}: {folder} has no config.json, so it is no model.")
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.glob("*.bin"))
        raise DataError(
            f"encoder {identifier}: it has no safetensors weights"
            + (f", only {', '.join(pickled)}" if pickled else "")
            + ", and pickled weights are not loaded because they can run code; name a revision "
            "that has model.safetensors (on the Hub often refs/pr/1), or convert a copy you trust."
        )
    needs_sentencepiece = not (folder / "tokenizer.json").is_file() and any(
        (folder / name).is_file() for name in _SENTENCEPIECE
    )
    if needs_sentencepiece and importlib.util.find_spec("sentencepiece") is None:
        raise DataError(
            f"encoder {identifier}: its tokenizer needs the package sentencepiece; "
            "run `pip install sentencepiece protobuf`."
        )


def _fingerprint(folder: Path, patterns: tuple[str, ...] = _WANTED) -> str:
    digest = hashlib.sha256()
    files = (path for pattern in patterns for path in folder.glob(pattern))
    for path in sorted(files, key=lambda path: path.name):
        digest.update(f"{path.name}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()

"""Pretrained text and image encoders: whatever transformers loads without remote code."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from PIL.Image import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING
from transformers.utils import logging as transformers_logging

from artcurate.benchmark.batching import Sequences
from artcurate.benchmark.encoder_files import EncoderFiles, find_encoder
from artcurate.errors import DataError

Pooling: TypeAlias = Literal["cls", "mean", "masked_sum_sqrt", "pooler"]

#: Linear and LayerNorm after the pooling of a text encoder that was aligned with pictures.
PROJECTION_FILE = "projection.safetensors"
#: Of VL-KE-T5's pooler.
_PROJECTION_EPSILON = 1e-12
#: Texts handed to the tokenizer at a time.
_TOKENIZER_CHUNK = 10_000
#: A JPEG may be decoded at a reduced scale no smaller than this many times the encoder's size.
_OVERSAMPLING = 2
#: What transformers raises on a folder that it cannot load.
_LOADING_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    ImportError,
)


@dataclass(frozen=True, slots=True, eq=False)
class EncoderOutput:
    """What an encoder says about a batch.

    pooled: (n, width), one vector per input.
    tokens: (n, t, width), one per token, patch or place. mask: bool (n, t), False on padding.
    """

    pooled: Tensor
    tokens: Tensor
    mask: Tensor


class Encoder(nn.Module):
    """A transformers model with a pooling. width: length of its vectors."""

    def __init__(self, files: EncoderFiles, model: PreTrainedModel, pooling: Pooling) -> None:
        super().__init__()
        self.files = files
        self.model = model
        self.pooling: Pooling = pooling
        self.width = _width(model)

    @property
    def settings(self) -> dict[str, str | int]:
        """Everything beside the weights that decides the features."""
        raise NotImplementedError

    def pool(self, output: Any, tokens: Tensor, mask: Tensor) -> Tensor:
        """(n, width) from the model's `output`, whose last hidden states are `tokens`.

        `masked_sum_sqrt` is the sum over tokens divided by the root of their number, as in
        VL-KE-T5's text encoder.
        """
        if self.pooling == "pooler":
            pooled = getattr(output, "pooler_output", None)
            if pooled is None:
                raise DataError(
                    f"encoder {self.files.id}: it has no pooler; choose pooling cls or mean."
                )
            return torch.flatten(pooled, 1)
        if self.pooling == "cls":
            return tokens[:, 0]
        weights = mask.unsqueeze(-1).to(tokens.dtype)
        total = (tokens * weights).sum(1)
        count = weights.sum(1).clamp(min=1)
        return total / (count if self.pooling == "mean" else count.sqrt())


class TextEncoder(Encoder):
    """forward(tokens, mask), both int64 (n, t), gives `EncoderOutput`."""

    def __init__(
        self,
        files: EncoderFiles,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        pooling: Pooling,
        max_length: int,
        prefix: str,
        projection: nn.Module | None = None,
    ) -> None:
        """projection: from pooled vector to pooled vector of the same width."""
        super().__init__(files, model, pooling)
        self.projection = projection
        self._tokenizer = tokenizer
        self.max_length = min(max_length, _longest_input(model, tokenizer))
        self.prefix = prefix

    @property
    def processor(self) -> str:
        """The tokenizer's class."""
        return type(self._tokenizer).__name__

    @property
    def settings(self) -> dict[str, str | int]:
        return {
            "kind": "text",
            "pooling": self.pooling,
            "max_length": self.max_length,
            "prefix": self.prefix,
            **({} if self.projection is None else {"projection": "linear, layer norm"}),
        }

    def tokenize(self, texts: Sequence[str]) -> Sequences:
        """Tokens of every text with the special ones, cut at `max_length`."""
        sequences: list[list[int]] = []
        for start in range(0, len(texts), _TOKENIZER_CHUNK):
            chunk = [self.prefix + text for text in texts[start : start + _TOKENIZER_CHUNK]]
            encoding = self._tokenizer(
                chunk, truncation=True, max_length=self.max_length, return_attention_mask=False
            )
            sequences += encoding["input_ids"]
        pad = self._tokenizer.pad_token_id
        return Sequences.of(sequences, pad if pad is not None else 0)

    def forward(self, tokens: Tensor, mask: Tensor) -> EncoderOutput:
        output = self.model(input_ids=tokens, attention_mask=mask)
        hidden = output.last_hidden_state
        pooled = self.pool(output, hidden, mask)
        if self.projection is not None:
            pooled = self.projection(pooled)
        return EncoderOutput(pooled, hidden, mask.bool())


class ImageEncoder(Encoder):
    """forward(pixels), float32 (n, 3, height, width), gives `EncoderOutput`."""

    def __init__(
        self, files: EncoderFiles, model: PreTrainedModel, processor: Any, *, pooling: Pooling
    ) -> None:
        super().__init__(files, model, pooling)
        self._processor = processor
        size = processor.size
        sides = (size.height, size.width, size.shortest_edge, size.longest_edge)
        self.min_side = _OVERSAMPLING * max(side for side in sides if side)

    @property
    def processor(self) -> str:
        """The image processor's class."""
        return type(self._processor).__name__

    @property
    def settings(self) -> dict[str, str | int]:
        return {
            "kind": "image",
            "pooling": self.pooling,
            "processor": self.processor,
            "min_side": self.min_side,
        }

    def pixels(self, image: Image) -> np.ndarray[Any, np.dtype[np.float32]]:
        """float32 (3, height, width), as the encoder's own processor makes them."""
        processed = self._processor([image], return_tensors="np")["pixel_values"]
        return np.asarray(processed[0], np.float32)

    def forward(self, pixels: Tensor) -> EncoderOutput:
        output = self.model(pixel_values=pixels)
        hidden = output.last_hidden_state
        if hidden.ndim == 4:
            if self.pooling == "cls":
                raise DataError(
                    f"encoder {self.files.id}: a convolutional network has no class token; "
                    "choose pooling mean or pooler."
                )
            hidden = hidden.flatten(2).transpose(1, 2)
        mask = torch.ones(hidden.shape[:2], dtype=torch.bool, device=hidden.device)
        return EncoderOutput(self.pool(output, hidden, mask), hidden, mask)


def load_text_encoder(
    identifier: str,
    *,
    revision: str | None = None,
    pooling: Pooling = "mean",
    max_length: int = 128,
    prefix: str = "",
) -> TextEncoder:
    """The text encoder in a folder or on the Hub; of an encoder-decoder (T5) the encoder alone.

    max_length: tokens that are kept, special ones included; the model's own limit if that is less.
    prefix: what the model wants before every text ("query: " for E5).

    Raises DataError as `find_encoder`, and when the files are no text encoder.
    """
    files = find_encoder(identifier, revision)
    model = _load_model(files, "text")
    tokenizer = _loaded(files, AutoTokenizer, "tokenizer")
    return TextEncoder(
        files,
        model,
        tokenizer,
        pooling=pooling,
        max_length=max_length,
        prefix=prefix,
        projection=_projection(files),
    )


def load_image_encoder(
    identifier: str, *, revision: str | None = None, pooling: Pooling = "pooler"
) -> ImageEncoder:
    """The image encoder in a folder or on the Hub, with an image processor that needs only Pillow.

    Raises DataError as `find_encoder`, and when the files are no image encoder.
    """
    files = find_encoder(identifier, revision)
    model = _load_model(files, "vision")
    if not (files.folder / "preprocessor_config.json").is_file():
        raise DataError(
            f"encoder {files.id}: it has no preprocessor_config.json, so nobody can tell the size "
            "and normalisation it wants; add the file or choose another model."
        )
    return ImageEncoder(files, model, _load_processor(files), pooling=pooling)


def _load_model(files: EncoderFiles, part: Literal["text", "vision"]) -> PreTrainedModel:
    config = _loaded(files, AutoConfig, "configuration")
    encodes_text = part == "text" and type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING
    model = _loaded(
        files,
        AutoModelForTextEncoding if encodes_text else AutoModel,
        "model",
        use_safetensors=True,
        dtype=torch.float32,
    )
    tower = getattr(model, f"{part}_model", None)
    if tower is not None:
        return tower  # type: ignore[no-any-return]
    if getattr(config, "is_encoder_decoder", False) and not encodes_text:
        return model.get_encoder()  # type: ignore[no-any-return]
    wanted = "input_ids" if part == "text" else "pixel_values"
    if model.main_input_name != wanted:
        raise DataError(
            f"encoder {files.id}: it takes {model.main_input_name}, so it is no {part} encoder; "
            "choose another."
        )
    return model  # type: ignore[no-any-return]


def _projection(files: EncoderFiles) -> nn.Module | None:
    path = files.folder / PROJECTION_FILE
    if not path.is_file():
        return None
    tensors = load_file(path)
    width = len(tensors["dense1.bias"])
    dense, norm = nn.Linear(width, width), nn.LayerNorm(width, eps=_PROJECTION_EPSILON)
    for module, name in ((dense, "dense1"), (norm, "layernorm")):
        module.load_state_dict({key: tensors[f"{name}.{key}"] for key in ("weight", "bias")})
    return nn.Sequential(dense, norm)


def _load_processor(files: EncoderFiles) -> Any:
    """The processor's Pillow form; a ViT's where the declared one exists for torchvision only."""
    declared = json.loads((files.folder / "preprocessor_config.json").read_text("utf-8"))
    if str(declared.get("image_processor_type", "")).startswith("DINOv3ViT"):
        from transformers import ViTImageProcessorPil

        return ViTImageProcessorPil.from_pretrained(files.folder)
    return _loaded(files, AutoImageProcessor, "image processor", backend="pil")


def _loaded(files: EncoderFiles, factory: Any, what: str, **options: Any) -> Any:
    with quiet_transformers():
        try:
            return factory.from_pretrained(
                files.folder, trust_remote_code=False, local_files_only=True, **options
            )
        except _LOADING_ERRORS as error:
            reason = " ".join(str(error).split())[:300]
            raise DataError(
                f"encoder {files.id}: transformers cannot load its {what} ({reason}); choose a "
                "model that needs no code of its own, or a newer transformers."
            ) from error


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """A block in which transformers says nothing below an error."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)


def _width(model: PreTrainedModel) -> int:
    config = model.config
    for name in ("hidden_size", "d_model", "dim"):
        if isinstance(getattr(config, name, None), int):
            return int(getattr(config, name))
    return int(config.hidden_sizes[-1])


def _longest_input(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """The model's own limit in tokens; RoBERTa keeps its first positions for padding."""
    limit = tokenizer.model_max_length
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions and positions > 0:
        reserved = (model.config.pad_token_id or 0) + 1 if _offsets_positions(model) else 0
        limit = min(limit, positions - reserved)
    return int(min(limit, 1 << 20))


def _offsets_positions(model: PreTrainedModel) -> bool:
    embeddings = getattr(model, "embeddings", None)
    return getattr(embeddings, "padding_idx", None) is not None


def without_unused_pooler(encoder: Encoder) -> Encoder:
    """Freeze a pooler that the pooling does not use: it would get no gradient."""
    pooler = getattr(encoder.model, "pooler", None)
    if isinstance(pooler, nn.Module) and encoder.pooling != "pooler":
        pooler.requires_grad_(False)
    return encoder

"""The tier `frozen`: pretrained encoders run once, small heads trained on what they gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from artcurate.benchmark.aligned import Part, aligned_encoder
from artcurate.benchmark.devices import Precision, compute_dtype, describe
from artcurate.benchmark.encoder_files import find_settings
from artcurate.benchmark.encoders import (
    ImageEncoder,
    TextEncoder,
    load_image_encoder,
    load_text_encoder,
)
from artcurate.benchmark.features import Features, image_features, text_features
from artcurate.benchmark.heads import HEADS, Options
from artcurate.benchmark.presets import EncoderChoice, FrozenPreset
from artcurate.benchmark.tables import LatestTables
from artcurate.benchmark.task import (
    Encoded,
    Fold,
    Pictures,
    Role,
    System,
    Trained,
    Values,
    View,
)
from artcurate.benchmark.train_heads import Budget, HeadSystem, train_heads
from artcurate.engines.local import available_cores
from artcurate.errors import UsageError
from artcurate.progress import Meter
from artcurate.resources import nearest


class FrozenTier:
    """Heads on features of encoders that do not learn."""

    def __init__(
        self,
        preset: FrozenPreset,
        modalities: Sequence[str],
        *,
        device: torch.device,
        precision: Precision = Precision.AUTO,
    ) -> None:
        """modalities: names of what the dataset offers. Raises UsageError for an unknown head."""
        self._preset = preset
        self._device = device
        self._precision = precision
        self._modalities = tuple(modalities)
        self._heads = learned_heads(preset.heads)
        self._tables = LatestTables(device, compute_dtype(device, precision))

    @property
    def systems(self) -> Sequence[System]:
        return [_described(system) for system in self._head_systems()]

    @property
    def shares(self) -> Sequence[Sequence[System]]:
        return [[_described(one) for one in share] for share in shares_of(self._head_systems())]

    def encode(self, name: str, values: Values, meter: Meter) -> Encoded:
        """Texts and pictures by their encoder; precomputed features stay as they are.

        Raises DataError as the encoders' loaders and `text_features`.
        """
        if isinstance(values, np.ndarray):
            meter.advance(len(values))
            return Encoded(values, {}, {"modality": name, "method": "features as given"})
        if hasattr(values, "decode"):
            return self._encode_pictures(name, cast(Pictures, values), meter)
        return self._encode_texts(name, cast(Sequence[str], values), meter)

    def _encode_texts(self, name: str, texts: Sequence[str], meter: Meter) -> Encoded:
        encoder = text_encoder(self._preset.text)
        features = text_features(
            encoder, texts, device=self._device, meter=meter, precision=self._precision
        )
        return self._encoded(name, encoder, features)

    def _encode_pictures(self, name: str, pictures: Pictures, meter: Meter) -> Encoded:
        encoder = image_encoder(self._preset.image)
        features = image_features(
            encoder, pictures, device=self._device, meter=meter, precision=self._precision
        )
        return self._encoded(name, encoder, features)

    def _encoded(
        self, name: str, encoder: TextEncoder | ImageEncoder, features: Features
    ) -> Encoded:
        facts: dict[str, str | int | float] = {
            "modality": name,
            **encoder_facts(encoder),
            "device": describe(self._device),
            "precision": str(compute_dtype(self._device, self._precision)).removeprefix("torch."),
            "inputs": len(features.values),
            "computed": features.computed,
            "padding": round(features.padding, 4),
            "seconds": round(features.seconds, 3),
        }
        if features.largest_batch is not None:
            facts["largest_batch_elements"] = features.largest_batch
        return Encoded(features.values, features.faults, facts)

    @contextmanager
    def side_by_side(self) -> Iterator[int]:
        """On a CPU one training per core with one thread each: they are too small for several.

        All that learn from the same examples share the standardised features.
        """
        on_cpu = self._device.type == "cpu"
        before = torch.get_num_threads()
        try:
            if on_cpu:
                torch.set_num_threads(1)
            yield available_cores() if on_cpu else 1
        finally:
            torch.set_num_threads(before)
            self._tables.forget()

    def learn(
        self,
        share: Sequence[System],
        train: Fold,
        validation: Fold,
        evaluations: Mapping[str, View],
        *,
        seed: int,
        meter: Meter,
    ) -> dict[str, Trained]:
        """The share's heads under the preset's budget; see `train_heads`."""
        preset = self._preset
        names = {system.name for system in share}
        return train_heads(
            [system for system in self._head_systems() if system.name in names],
            train,
            validation,
            evaluations,
            seed=seed,
            device=self._device,
            meter=meter,
            precision=self._precision,
            soft_targets=preset.targets == "soft",
            tables=self._tables.of(train.inputs),
            budget=Budget(
                learning_rates=preset.learning_rates,
                batch_size=preset.batch_size,
                epochs=preset.epochs,
                patience=preset.patience,
            ),
        )

    def _head_systems(self) -> list[HeadSystem]:
        hidden = (self._preset.hidden,)
        alone = [
            HeadSystem(name, "unimodal", (name,), head_options("unimodal", hidden))
            for name in self._modalities
        ]
        if len(self._modalities) < 2:
            return alone
        return alone + [
            HeadSystem(name, name, self._modalities, head_options(name, hidden))
            for name in self._heads
        ]


def text_encoder(choice: EncoderChoice) -> TextEncoder:
    """The text encoder that a preset names.

    Raises DataError as `load_text_encoder` and `aligned_encoder`.
    """
    return load_text_encoder(
        _place(choice, "language"),
        revision=choice.revision,
        pooling=choice.pooling,
        max_length=choice.max_length,
        prefix=choice.prefix,
    )


def image_encoder(choice: EncoderChoice) -> ImageEncoder:
    """The image encoder that a preset names.

    Raises DataError as `load_image_encoder` and `aligned_encoder`.
    """
    return load_image_encoder(
        _place(choice, "vision"), revision=choice.revision, pooling=choice.pooling
    )


def _place(choice: EncoderChoice, part: Part) -> str:
    """The id or folder that a loader takes."""
    if choice.archive is None:
        return choice.id
    settings = find_settings(choice.id, choice.revision)
    return str(aligned_encoder(Path(choice.archive), part, settings))


def encoder_facts(encoder: TextEncoder | ImageEncoder) -> dict[str, str | int | float]:
    """What scores.json says about an encoder."""
    return {
        "encoder": encoder.files.id,
        "revision": encoder.files.revision,
        "encoder_sha256": encoder.files.sha256,
        "pooling": encoder.pooling,
        "processor": encoder.processor,
        "width": encoder.width,
        "parameters": sum(parameter.numel() for parameter in encoder.parameters()),
    }


def learned_heads(names: Iterable[str]) -> tuple[str, ...]:
    """The fusions of `names` that are trained; decisions are combined by the bench itself.

    Raises UsageError for a name that is no fusion head.
    """
    fusions = {name for name, kind in HEADS.items() if kind.least > 1}
    for name in names:
        if name not in fusions:
            raise UsageError(f"no fusion head {nearest(name, fusions)}")
    return tuple(name for name in names if not HEADS[name].decides)


def shares_of(systems: Iterable[HeadSystem]) -> list[list[HeadSystem]]:
    """The systems in shares of which none takes longer than the dearest system, that one first.

    So no core waits long for the last training, and the systems of a share get their batches once.
    """
    shares: list[list[HeadSystem]] = []
    most = room = 0.0
    for system in sorted(systems, key=lambda one: HEADS[one.head].cost, reverse=True):
        cost = HEADS[system.head].cost
        most = most or cost
        if not shares or cost > room:
            shares.append([])
            room = most
        shares[-1].append(system)
        room -= cost
    return shares


def head_options(name: str, hidden: tuple[int, ...], **others: Any) -> Options:
    """The options of the head `name` with `hidden` as budget, and `others` where it knows them.

    What a head learns in place of a first hidden layer (the gated vector, the embraced one) is as
    wide as that layer.
    """
    default: Options = HEADS[name].options()
    known = {one.name for one in fields(default)}
    chosen = {key: value for key, value in others.items() if key in known}
    if name == "gated_unit":
        latents = [width for width in (*hidden, chosen.pop("latent", None)) if width]
        return replace(default, **chosen | ({"latent": latents[0]} if latents else {}))
    if name == "embracenet" and hidden:
        chosen["embracement"] = hidden[0]
    return replace(default, **chosen, hidden=hidden)


def _described(system: HeadSystem) -> System:
    role = Role.UNIMODAL if len(system.modalities) == 1 else Role.FUSION
    return System(system.name, system.modalities, role)

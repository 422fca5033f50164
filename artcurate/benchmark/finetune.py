"""The tier `finetune`: encoders trained end to end, alone and together with every head."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import cast

import numpy as np
import torch

from artcurate.benchmark.batching import Sequences
from artcurate.benchmark.devices import (
    Precision,
    compute_dtype,
    own_randomness,
    peak_memory,
    seed_of,
)
from artcurate.benchmark.distributed import World, join, local_device
from artcurate.benchmark.encoders import Encoder, TextEncoder, without_unused_pooler
from artcurate.benchmark.feature_cache import keys_of_texts
from artcurate.benchmark.finetune_model import Examples, FusionModel, Rates
from artcurate.benchmark.frozen import (
    encoder_facts,
    head_options,
    image_encoder,
    learned_heads,
    text_encoder,
)
from artcurate.benchmark.heads import Shape, build_head
from artcurate.benchmark.kept_result import read_result, write_result
from artcurate.benchmark.pictures import ShardPictures
from artcurate.benchmark.pictures_check import unreadable_pictures
from artcurate.benchmark.presets import FinetunePreset
from artcurate.benchmark.tables import Standard
from artcurate.benchmark.task import (
    Encoded,
    FloatArray,
    Fold,
    Labels,
    Modality,
    Pictures,
    Predictions,
    Role,
    System,
    Trained,
    Values,
    View,
)
from artcurate.benchmark.throughput import model_flops_utilisation, peak_flops
from artcurate.benchmark.train_heads import smoothed_prior, targets_of
from artcurate.benchmark.training import Outcome, Recipe, Trainer
from artcurate.progress import Meter


class FinetuneTier:
    """Every system trains encoders of its own from the same pretrained weights.

    A system that is finished leaves its probabilities in the workspace and gives them back without
    training when it is asked again; one that was interrupted goes on from its checkpoint. Its
    weights and checkpoints go when it is finished.
    """

    def __init__(
        self,
        preset: FinetunePreset,
        modalities: Sequence[str],
        *,
        device: torch.device,
        workspace: Path,
        precision: Precision = Precision.AUTO,
    ) -> None:
        """modalities: names of what the dataset offers. workspace: folder for checkpoints.

        Raises UsageError for an unknown head.
        """
        self._preset = preset
        self._modalities = tuple(modalities)
        self._device = local_device(device)
        self._workspace = workspace
        self._dtype = compute_dtype(device, precision)
        self._heads = learned_heads(preset.heads)
        self._digests: dict[int, tuple[object, str]] = {}

    @property
    def systems(self) -> Sequence[System]:
        alone = [System(name, (name,), Role.UNIMODAL) for name in self._modalities]
        if len(self._modalities) < 2:
            return alone
        return alone + [System(name, self._modalities, Role.FUSION) for name in self._heads]

    @property
    def shares(self) -> Sequence[Sequence[System]]:
        """Each system by itself: it trains encoders of its own."""
        return [(system,) for system in self.systems]

    def encode(self, name: str, values: Values, meter: Meter) -> Encoded:
        """The values as they came; every picture is decoded once to find the unreadable ones.

        Pictures in shards are copied: training reads them in another order in every epoch.

        Raises DataError as the encoders' loaders.
        """
        if isinstance(values, np.ndarray):
            meter.advance(len(values))
            return Encoded(values, {}, {"modality": name, "method": "features as given"})
        if hasattr(values, "decode"):
            pictures = cast(Pictures, values)
            if isinstance(pictures, ShardPictures):
                pictures = pictures.copied(self._workspace)
            facts = encoder_facts(image_encoder(self._preset.image))
            return Encoded(pictures, unreadable_pictures(pictures, meter), facts)
        texts = cast(Sequence[str], values)
        facts = encoder_facts(text_encoder(self._preset.text))
        meter.advance(len(texts))
        return Encoded(texts, {}, facts)

    def side_by_side(self) -> AbstractContextManager[int]:
        """One: a training takes the whole device."""
        return nullcontext(1)

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
        """Each system of the share trained by the preset's recipe.

        All processes of a launch get the same.

        Raises DataError as `Trainer.fit`, and KeyboardInterrupt after a checkpoint.
        """
        world = join(self._device)
        trained = {}
        for system in share:
            trained[system.name] = self._learn_one(
                system, train, validation, evaluations, seed, world, meter
            )
            meter.advance()
        return trained

    def _learn_one(
        self,
        system: System,
        train: Fold,
        validation: Fold,
        evaluations: Mapping[str, View],
        seed: int,
        world: World,
        meter: Meter,
    ) -> Trained:
        started = time.perf_counter()
        with own_randomness(self._device):
            model = self._model(system, train, seed)
        folder = self._workspace / self._name_of(
            system, model, train, validation, evaluations, seed
        )
        known = read_result(folder)
        if known is not None:
            return known
        train, validation, evaluations = _standardised(system, train, validation, evaluations)
        sequences = self._tokenized(model, [train.inputs, validation.inputs, *evaluations.values()])
        trainer = Trainer(
            model,
            self._recipe(),
            seed=seed,
            device=self._device,
            dtype=self._dtype,
            folder=folder,
            world=world,
            name=f"{system.name}, seed {seed}",
            note=meter.note,
        )

        def examples(view: View) -> Examples:
            return Examples(view, system.modalities, _encoders(model), sequences)

        learned, held_out = examples(train.inputs), examples(validation.inputs)
        soft = self._preset.targets == "soft"
        outcome = trainer.fit(
            learned,
            targets_of(train.labels, soft=soft),
            held_out,
            validation.labels,
            targets_of(validation.labels, soft=soft),
        )
        micro = outcome.progress.micro_batch
        trained = Trained(
            validation=Predictions(trainer.predict(held_out, micro)),
            evaluations={
                name: Predictions(trainer.predict(examples(view), micro))
                for name, view in evaluations.items()
            },
            seconds=time.perf_counter() - started,
            facts={
                **self._facts(outcome, model, world),
                **self._throughput(outcome, trainer, learned, world),
                "padding": round(trainer.padding(learned, micro), 4),
            },
        )
        if world.rank == 0:
            write_result(folder, trained)
        world.wait()
        return trained

    def _model(self, system: System, train: Fold, seed: int) -> FusionModel:
        encoders: dict[str, Encoder] = {}
        widths = []
        for name in system.modalities:
            values = train.inputs[name].values
            if isinstance(values, np.ndarray):
                widths.append(values.shape[-1])
                continue
            encoder: Encoder = (
                image_encoder(self._preset.image)
                if hasattr(values, "decode")
                else text_encoder(self._preset.text)
            )
            encoders[name] = without_unused_pooler(encoder)
            widths.append(encoder.width)
        torch.manual_seed(seed_of("start", seed, system.name))
        kind = "unimodal" if system.role is Role.UNIMODAL else system.name
        preset = self._preset
        options = head_options(
            kind,
            preset.hidden,
            dropout=preset.dropout,
            batch_norm=preset.batch_norm,
            latent=preset.latent,
            sequences=preset.sequences,
        )
        head = build_head(kind, Shape(tuple(widths), smoothed_prior(train.labels.soft)), options)
        return FusionModel(system.modalities, encoders, head, len(train.labels.names))

    def _recipe(self) -> Recipe:
        preset = self._preset
        return Recipe(
            rates=Rates(
                preset.learning_rate,
                preset.head_learning_rate,
                preset.layer_decay,
                preset.weight_decay,
            ),
            batch_size=preset.batch_size,
            micro_batch=min(preset.micro_batch, preset.batch_size),
            epochs=preset.epochs,
            patience=preset.patience,
            warmup=preset.warmup,
            cosine=preset.cosine,
            compile=preset.compile,
        )

    def _tokenized(self, model: FusionModel, views: Sequence[View]) -> dict[int, Sequences]:
        """Tokens of every text modality's values, by the id of the values."""
        found = {}
        for name, encoder in _encoders(model).items():
            if isinstance(encoder, TextEncoder):
                for view in views:
                    texts = cast(Sequence[str], view[name].values)
                    if id(texts) not in found:
                        found[id(texts)] = encoder.tokenize(texts)
        return found

    def _name_of(
        self,
        system: System,
        model: FusionModel,
        train: Fold,
        validation: Fold,
        evaluations: Mapping[str, View],
        seed: int,
    ) -> str:
        """A folder's name that is a function of everything that decides the result."""
        recipe = self._preset.model_dump(
            mode="json",
            exclude={"title", "source", "deviations", "seeds", "resamples", "draws", "heads"},
        )
        identity = {
            "recipe": recipe,
            "seed": seed,
            "system": system.name,
            "dtype": str(self._dtype),
            "torch": torch.__version__,
            "encoders": {name: one.files.sha256 for name, one in _encoders(model).items()},
            "train": [self._digest(train.inputs, system), _digest_of_labels(train.labels)],
            "validation": [
                self._digest(validation.inputs, system),
                _digest_of_labels(validation.labels),
            ],
            "evaluations": {name: self._digest(view, system) for name, view in evaluations.items()},
        }
        canonical = json.dumps(identity, sort_keys=True)
        return f"{system.name}-{seed}-{hashlib.sha256(canonical.encode()).hexdigest()[:16]}"

    def _digest(self, view: View, system: System) -> list[str]:
        return [
            self._digest_of_values(view[name].values)
            + hashlib.sha256(np.ascontiguousarray(view[name].index).tobytes()).hexdigest()
            for name in system.modalities
        ]

    def _digest_of_values(self, values: Values) -> str:
        if id(values) not in self._digests:
            # The values are kept beside their digest, so that their id stays their own.
            self._digests[id(values)] = (values, _digest_of_values(values))
        return self._digests[id(values)][1]

    def _facts(
        self, outcome: Outcome, model: FusionModel, world: World
    ) -> dict[str, str | int | float]:
        progress = outcome.progress
        return {
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch + 1,
            "micro_batch": progress.micro_batch,
            "processes": world.size,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "precision": str(self._dtype).removeprefix("torch."),
            "peak_memory_bytes": peak_memory(self._device),
        }

    def _throughput(
        self, outcome: Outcome, trainer: Trainer, learned: Examples, world: World
    ) -> dict[str, float]:
        """Examples per second of training steps; MFU on a GPU whose peak is on file."""
        if not outcome.seconds:
            return {}
        rate = outcome.examples / outcome.seconds
        peak = peak_flops(self._device, self._dtype)
        if peak is None:
            return {"examples_per_second": round(rate, 2)}
        utilisation = model_flops_utilisation(
            forward_flops_per_example=trainer.flops(learned, outcome.progress.micro_batch),
            examples_per_second=rate,
            peak=peak * world.size,
        )
        return {"examples_per_second": round(rate, 2), "mfu": round(utilisation, 4)}


def _encoders(model: FusionModel) -> dict[str, Encoder]:
    return {name: cast(Encoder, encoder) for name, encoder in model.encoders.items()}


def _standardised(
    system: System, train: Fold, validation: Fold, evaluations: Mapping[str, View]
) -> tuple[Fold, Fold, dict[str, View]]:
    """Precomputed features by the training examples' means and deviations; the rest as it is."""
    standards = {
        name: Standard.of(train.inputs[name])
        for name in system.modalities
        if isinstance(train.inputs[name].values, np.ndarray)
    }

    def scaled(view: View) -> dict[str, Modality]:
        return {
            name: Modality(
                (cast(FloatArray, modality.values) - standards[name].mean)
                / standards[name].deviation,
                modality.index,
            )
            if name in standards
            else modality
            for name, modality in view.items()
        }

    return (
        Fold(scaled(train.inputs), train.labels, train.groups),
        Fold(scaled(validation.inputs), validation.labels, validation.groups),
        {name: scaled(view) for name, view in evaluations.items()},
    )


def _digest_of_values(values: Values) -> str:
    if isinstance(values, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    if hasattr(values, "decode"):
        pictures = cast(Pictures, values)
        digests = (pictures.digest(place) for place in range(len(pictures)))
        return hashlib.sha256(b"".join(digests)).hexdigest()
    return hashlib.sha256(keys_of_texts(cast(Sequence[str], values)).tobytes()).hexdigest()


def _digest_of_labels(labels: Labels) -> str:
    digest = hashlib.sha256(json.dumps(labels.names).encode())
    digest.update(np.ascontiguousarray(labels.index).tobytes())
    digest.update(np.ascontiguousarray(labels.soft).tobytes())
    return digest.hexdigest()

"""Presets: files that say how a benchmark is run, so that a score can be named and repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from artcurate.checked_yaml import FileModel, read_checked
from artcurate.errors import UsageError
from artcurate.resources import folder, nearest

TierName: TypeAlias = Literal["lite", "frozen", "finetune"]
Positive: TypeAlias = Annotated[int, Field(gt=0)]
Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]


class Shared(FileModel):
    """What every preset says.

    source: where the recipe comes from, citable; deviations: every way in which ours differs.
    seeds: how many; the seeds are 0, 1, 2, ...
    resamples: bootstrap resamples of the groups for the confidence intervals.
    draws: re-pairings and shuffles at test per control.
    shuffles: trainings with shuffled labels; an alarm needs two, as each lands by luck a little
        above or below chance.
    targets: `hard` learns each example's own label, `soft` the distribution of its item's votes.
    """

    title: str
    source: str
    deviations: tuple[str, ...] = ()
    seeds: Positive = 5
    resamples: Annotated[int, Field(ge=100)] = 1000
    draws: Positive = 10
    shuffles: Positive = 3
    targets: Literal["hard", "soft"] = "hard"


class LiteText(FileModel):
    """Hashed n-grams: words of 1 to `words`, characters of `characters[0]` to `characters[1]`."""

    words: Positive = 1
    characters: tuple[Positive, Positive] = (1, 3)
    buckets: Annotated[int, Field(ge=1 << 10, le=1 << 22)] = 1 << 15


class LiteImage(FileModel):
    """An HSV histogram and a histogram of oriented gradients of the picture at `side` pixels.

    hsv_bins: bins of hue, saturation and value. cells: HOG cells along a side. orientations: of
    unsigned gradients. components: principal components that are kept, found on the training fold.
    """

    side: Positive = 64
    hsv_bins: tuple[Positive, Positive, Positive] = (8, 4, 4)
    cells: Positive = 4
    orientations: Positive = 9
    components: Positive = 64


class LitePreset(Shared):
    """No download, no torch.

    penalties: L2 penalties that validation chooses from, the same for every system.
    lengths: how long a dense modality's rows are beside a text's of length 1; validation chooses
        for the modality alone, and fusion takes the choice over. Alone, a length is one more way
        to say the penalty: only penalty / length^2 counts.
    train_share: share of the training groups that each seed draws; a convex loss has no other
        randomness for a seed to vary.
    """

    tier: Literal["lite"]
    text: LiteText = LiteText()
    image: LiteImage = LiteImage()
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = (0.05, 0.3)
    lengths: tuple[Annotated[float, Field(gt=0)], ...] = (0.25, 0.5, 1.0, 2.0)
    train_share: Share = 0.9


class EncoderChoice(FileModel):
    """A pretrained encoder: id or folder, revision (commit), and how its output is pooled.

    max_length: tokens of a text that are read. prefix: what the model wants before every text.
    archive: a zip of VL-KE-T5's authors whose weights take the place of those of `id`, which then
        gives the tokenizer or image processor only.
    """

    id: str
    revision: str | None = None
    pooling: Literal["cls", "mean", "masked_sum_sqrt", "pooler"] = "mean"
    max_length: Positive = 128
    prefix: str = ""
    archive: str | None = None


class FrozenPreset(Shared):
    """Pretrained encoders run once over unique inputs, small heads trained on their features."""

    tier: Literal["frozen"]
    text: EncoderChoice
    image: EncoderChoice
    heads: tuple[str, ...]
    hidden: Positive = 256
    learning_rates: tuple[Annotated[float, Field(gt=0)], ...] = (1e-3, 3e-4)
    batch_size: Positive = 256
    epochs: Positive = 30
    patience: Positive = 5


class FinetunePreset(Shared):
    """Encoders trained with the fusion.

    hidden, dropout, batch_norm: of the classifiers; see `artcurate.benchmark.heads.Options`.
    latent: common width of the modalities in heads that want one; None takes them as they are.
    sequences: whether attention heads see the encoders' tokens, not pooled features.
    weight_decay: AdamW's; 0 is Adam. warmup: share of all steps; then the rate falls as a cosine.
    layer_decay: factor of the learning rate from one encoder layer to the one below.
    batch_size: examples per step; micro_batch: of these at once in memory.
    compile: whether torch.compile is used.
    """

    tier: Literal["finetune"]
    text: EncoderChoice
    image: EncoderChoice
    heads: tuple[str, ...]
    hidden: tuple[Positive, ...] = (256,)
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    batch_norm: bool = False
    latent: Positive | None = 256
    sequences: bool = False
    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    head_learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.06
    cosine: bool = True
    layer_decay: Share = 1.0
    batch_size: Positive = 32
    micro_batch: Positive = 32
    epochs: Positive = 10
    patience: Positive = 3
    compile: bool = False


Preset: TypeAlias = Annotated[
    LitePreset | FrozenPreset | FinetunePreset, Field(discriminator="tier")
]

_ADAPTER: TypeAdapter[LitePreset | FrozenPreset | FinetunePreset] = TypeAdapter(Preset)


def preset_names() -> tuple[str, ...]:
    """The bundled presets, sorted."""
    return tuple(sorted(file.stem for file in _folder().glob("*.yaml")))


#: The preset that stands for a tier when none is named.
DEFAULTS: dict[TierName, str] = {"lite": "lite", "frozen": "frozen", "finetune": "mvip2024"}


def load_preset(name: str) -> Preset:
    """A bundled preset by name, or any preset file by its path (it ends in `.yaml`).

    Raises:
        UsageError: there is no such preset; names the nearest one.
        DataError: the file is no preset; names every wrong place.
    """
    if name.endswith(".yaml"):
        return parse_preset(Path(name))
    if name not in preset_names():
        raise UsageError(f"no benchmark preset {nearest(name, preset_names())}")
    return parse_preset(_folder() / f"{name}.yaml")


def parse_preset(file: Path) -> Preset:
    """The preset in `file`. Raises DataError naming every wrong place."""
    return read_checked(file, _ADAPTER)


def override(
    preset: Preset,
    *,
    seeds: int | None = None,
    text_encoder: str | None = None,
    image_encoder: str | None = None,
    heads: tuple[str, ...] | None = None,
    aligned: Path | None = None,
) -> Preset:
    """`preset` with the values that were given; an encoder keeps the preset's pooling.

    aligned: the `archive` of both encoders.

    Raises UsageError for a value that is out of range, or that the preset's tier has no use for.
    """
    content = preset.model_dump()
    if seeds is not None:
        content["seeds"] = seeds
    for name, encoder in (("text", text_encoder), ("image", image_encoder)):
        if encoder is not None:
            _require_encoders(preset, f"--{name}-encoder")
            content[name] = {**content[name], "id": encoder, "revision": None}
    if aligned is not None:
        _require_encoders(preset, "--aligned")
        for name in ("text", "image"):
            content[name] = {**content[name], "archive": str(aligned)}
    if heads is not None:
        _require_encoders(preset, "--heads")
        content["heads"] = heads
    try:
        return _ADAPTER.validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][1]) if len(first["loc"]) > 1 else "the preset"
        raise UsageError(f"--{option} {first['input']}: {first['msg']}.") from None


def _require_encoders(preset: Preset, option: str) -> None:
    if isinstance(preset, LitePreset):
        raise UsageError(f"the tier lite has no {option}; add --tier frozen or --tier finetune.")


def _folder() -> Path:
    return folder("pipelines") / "benchmark"

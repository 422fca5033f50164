"""From a preset to the tier that runs it; torch is imported by the tiers that need it only."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from artcurate.benchmark.presets import FrozenPreset, LitePreset, Preset
from artcurate.benchmark.task import Tier
from artcurate.errors import UsageError

_TORCH = ("torch", "transformers")
_LITE = ("scipy", "sklearn", "matplotlib")


def make_tier(preset: Preset, modalities: Sequence[str], *, device: str, workspace: Path) -> Tier:
    """The tier of `preset` for a dataset with `modalities`.

    workspace: a folder that outlives the run, for checkpoints.

    Raises UsageError when a library that the tier needs is not installed, or the device is wrong.
    """
    require_libraries(preset.tier)
    if isinstance(preset, LitePreset):
        from artcurate.benchmark.lite import LiteTier

        if device not in ("auto", "cpu"):
            raise UsageError(f"the tier lite runs on the CPU; leave out --device {device}.")
        return LiteTier(preset, modalities)
    from artcurate.benchmark.devices import choose_device

    chosen = choose_device(device)
    if isinstance(preset, FrozenPreset):
        from artcurate.benchmark.frozen import FrozenTier

        return FrozenTier(preset, modalities, device=chosen)
    from artcurate.benchmark.finetune import FinetuneTier

    return FinetuneTier(preset, modalities, device=chosen, workspace=workspace)


def device_name(preset: Preset, device: str) -> str:
    """The device that `device` stands for, such as `cpu` or `cuda`."""
    if isinstance(preset, LitePreset):
        return "cpu"
    from artcurate.benchmark.devices import choose_device

    return str(choose_device(device))


def require_libraries(tier: str) -> None:
    """Raise UsageError naming what is missing and how it is installed."""
    wanted = _LITE if tier == "lite" else (*_LITE, *_TORCH)
    missing = [name for name in wanted if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the tier {tier} needs {', '.join(missing)}; install it with "
            "`pip install 'artcurate[benchmark]'`."
        )

"""What of a pipeline stays with its publisher.

A salt that the user has chosen is meant to be a secret: who knows it and holds the corpus can tell
which picture a pseudonym stands for. It is taken out of the published pipeline; the fingerprint in
the lock tells whether somebody who rebuilds was given the right one. The salt that is made of the
seed when none is chosen is no secret and travels, because who does not hold the corpus cannot use
it: what is hashed are names of 256 random bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

#: Secret parameters, as (step, parameter).
_SECRETS = (("pseudonyms", "salt"),)


def without_secrets(pipeline: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A resolved pipeline without the secrets that it sets, and their names (`step.parameter`)."""
    steps: list[dict[str, Any]] = []
    withheld: list[str] = []
    for entry in pipeline["steps"]:
        ((step, parameters),) = entry.items()
        kept = dict(parameters or {})
        for secret_step, parameter in _SECRETS:
            if step == secret_step and kept.get(parameter):
                del kept[parameter]
                withheld.append(f"{step}.{parameter}")
        steps.append({step: kept})
    return {**pipeline, "steps": steps}, tuple(withheld)


def unset_secrets(pipeline: Mapping[str, Any]) -> tuple[str, ...]:
    """The secrets that a pipeline could have and does not set, as `step.parameter`."""
    steps = {
        name: parameters or {} for entry in pipeline["steps"] for name, parameters in entry.items()
    }
    return tuple(
        f"{step}.{parameter}"
        for step, parameter in _SECRETS
        if step in steps and not steps[step].get(parameter)
    )


def to_yaml(pipeline: Mapping[str, Any]) -> str:
    """The text of a pipeline file."""
    return yaml.safe_dump(dict(pipeline), sort_keys=False, allow_unicode=True, width=96)

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


def withheld_secrets(pipeline: Mapping[str, Any]) -> tuple[str, ...]:
    """The secrets that were taken out of a published pipeline, as `step.parameter`.

    A resolved pipeline names every parameter, so those that it does not name were taken out.
    """
    steps = _parameters(pipeline)
    return tuple(
        f"{step}.{parameter}"
        for step, parameter in _SECRETS
        if step in steps and parameter not in steps[step]
    )


def strangers(published: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[str, ...]:
    """Parameters that a resolved pipeline has here and the published one does not name.

    What was published with another version of artcurate may lack parameters of this one.
    """
    then, withheld = _parameters(published), withheld_secrets(published)
    return tuple(
        name
        for step, parameters in _parameters(here).items()
        for parameter in parameters
        if parameter not in then.get(step, {}) and (name := f"{step}.{parameter}") not in withheld
    )


def _parameters(pipeline: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The parameters that each step of a pipeline file sets."""
    return {
        name: parameters or {} for entry in pipeline["steps"] for name, parameters in entry.items()
    }


def to_yaml(pipeline: Mapping[str, Any]) -> str:
    """The text of a pipeline file."""
    return yaml.safe_dump(dict(pipeline), sort_keys=False, allow_unicode=True, width=96)

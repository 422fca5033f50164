"""`eval.yaml`: the tasks that the Hub lists leaderboards for.

The form is that of https://huggingface.co/docs/hub/eval-results; the framework's name has to be put
on the Hub's list before the Hub shows a leaderboard.
"""

from __future__ import annotations

import yaml

from artcurate.benchmark.dataset import TEST
from artcurate.benchmark.scores import Scores
from artcurate.benchmark.task import Role
from artcurate.schema.model import Config, Schema

FILE_NAME = "eval.yaml"
FRAMEWORK = "artcurate"


def evaluation_file(scores: Scores, schema: Schema) -> str:
    """The file's text: one task per modality alone, and one for all of them together."""
    config = _config(schema)
    alone = [one.name for one in scores.systems if one.role is Role.UNIMODAL]
    names = [f"{name}-only" for name in alone] + (["fusion"] if len(alone) > 1 else [])
    content = {
        "name": schema.title,
        "description": (
            f"Emotion in {len(scores.classes)} classes from {' and '.join(alone)}; macro-F1 on the "
            f"split {TEST}, which shares no {' or '.join(scores.clusters)} with training."
        ),
        "evaluation_framework": FRAMEWORK,
        "tasks": [
            {"id": f"{schema.name}-{name}", "config": config.name, "split": TEST} for name in names
        ],
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=96)


def _config(schema: Schema) -> Config:
    """The config whose rows are the examples."""
    for config in schema.configs:
        if "text" in config.columns:
            return config
    return schema.default

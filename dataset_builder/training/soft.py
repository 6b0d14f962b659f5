"""Rows whose target is the population's answer shares: `soft`, and `grpo` for rewards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.release.read import Release
from dataset_builder.training import texts
from dataset_builder.training.held_out import training_scope
from dataset_builder.training.options import TrainingOptions
from dataset_builder.training.targets import soft_targets


def soft_rows(release: Release, options: TrainingOptions) -> Iterator[dict[str, Any]]:
    """Prompts with options, target shares and effective sample size, of the table `soft`."""
    for about, language, target in _asked(release, options):
        offer = texts.offer(language, target.question_id, options.labels)
        yield about | {
            "prompt": texts.prompt(
                language, target.question_id, target.country, target.group, options.labels
            ),
            "options": offer.options,
            "shares": [target.shares[code] for code in offer.codes],
            "n_eff": target.n_eff,
        }


def grpo_rows(release: Release, options: TrainingOptions) -> Iterator[dict[str, Any]]:
    """Conversational prompts with the same targets, of the table `grpo`."""
    for row in soft_rows(release, options):
        del row["n_eff"]
        yield row | {"prompt": [{"role": "user", "content": row["prompt"]}]}


def _asked(release: Release, options: TrainingOptions) -> Iterator[tuple[dict[str, Any], str, Any]]:
    wave = training_scope(release, options).wave
    for target in soft_targets(release, options):
        for language in options.languages:
            about = {
                "question_id": target.question_id,
                "wave": wave,
                "country": target.country,
                "group": target.group,
                "language": language,
            }
            yield about, language, target

"""Training rows of a release, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.release.read import Release, open_release
from contracts.release.tables import TABLES
from dataset_builder.training.options import Form, TrainingOptions
from dataset_builder.training.write import training_rows

if TYPE_CHECKING:
    import datasets


def rows(
    release: str | Path | Release, *, form: Form = "soft", **options: Any
) -> Iterator[dict[str, Any]]:
    """Rows to train on, one by one.

    Args:
        release: a folder, `ORG/NAME@tag`, `reference`, or an opened release.
        form: `soft`, `sft`, `preference` or `grpo`.
        options: fields of `TrainingOptions`: languages, questions, countries, groups, limit, seed,
            hold_out_questions, ...

    Returns:
        Rows with the columns of the table of that name, in an order drawn by the seed.

    Raises:
        ContractError: an option is wrong, or the release lacks what the form is made of.
    """
    given: dict[str, Any] = {
        name: tuple(o) if isinstance(o, list | set) else o for name, o in options.items()
    }
    opened = release if isinstance(release, Release) else open_release(release)
    return training_rows(opened, form, TrainingOptions(**given))


def dataset(
    release: str | Path | Release, *, form: Form = "soft", **options: Any
) -> datasets.IterableDataset:
    """The same rows as an `IterableDataset` of `datasets`, for trainers that take one."""
    import datasets

    def generate() -> Iterator[dict[str, Any]]:
        yield from rows(release, form=form, **options)

    features = datasets.Features.from_arrow_schema(TABLES[form])
    return datasets.IterableDataset.from_generator(generate, features=features)

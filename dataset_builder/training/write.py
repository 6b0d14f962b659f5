"""Training rows as configs of a release."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.errors import ContractError, Problem, fail
from contracts.release.manifest import Manifest
from contracts.release.read import REFERENCE, Release
from contracts.release.tables import INDIVIDUAL_TABLES, TABLES
from contracts.release.write import TableWriter
from dataset_builder.build import write_descriptions
from dataset_builder.manifest import TABLE_ORDER
from dataset_builder.training.answers import preference_rows, sft_rows
from dataset_builder.training.options import FORMS, Form, TrainingOptions
from dataset_builder.training.soft import grpo_rows, soft_rows

MAKERS: Mapping[str, Callable[[Release, TrainingOptions], Iterator[dict[str, Any]]]] = {
    "soft": soft_rows,
    "grpo": grpo_rows,
    "sft": sft_rows,
    "preference": preference_rows,
}

#: Rows of single answers that are written unless a limit is given.
DEFAULT_ANSWERS = 100_000

_CHUNK = 10_000


def training_rows(
    release: Release, form: Form, options: TrainingOptions
) -> Iterator[dict[str, Any]]:
    """Rows of a form, one by one.

    Raises:
        ContractError: there is no such form, an option is wrong, or the release lacks the data.
    """
    if form not in MAKERS:
        raise fail("unknown-form", f"no form {form!r} of training rows", allowed=", ".join(FORMS))
    return MAKERS[form](release, options)


def write_training_data(
    release: Release, form: Form, options: TrainingOptions, *, force: bool = False
) -> Manifest:
    """Add a config with training rows to a release folder, card and manifest included.

    Raises:
        ContractError: the release is no folder of one's own, has the config already, or is public
            while the form holds single answers.
    """
    _check_place(release, form, force=force)
    if options.limit is None and form in ("sft", "preference"):
        options = replace(options, limit=DEFAULT_ANSWERS)
    rows = training_rows(release, form, options)
    with tempfile.TemporaryDirectory(dir=release.root, prefix=".partial-") as partial:
        writer = TableWriter(Path(partial), form)
        while chunk := list(islice(rows, _CHUNK)):
            writer.write(pa.Table.from_pylist(chunk, TABLES[form]), split="train")
        entry = writer.close()
        if not entry.files:
            raise fail("no-rows", "nothing is left to train on", where=release.source)
        shutil.rmtree(release.root / form, ignore_errors=True)
        (Path(partial) / form).rename(release.root / form)
    return _described(release, form, options, entry)


def _described(release: Release, form: Form, options: TrainingOptions, entry: Any) -> Manifest:
    old = release.manifest
    tables = {**old.tables, form: entry}
    start = f"Training rows `{form}`: "
    options_text = ", ".join(
        f"{name} {_joined(value)}"
        for name, value in vars(options).items()
        if value not in ((), None)
    )
    notes = [note for note in old.notes if not note.startswith(start)]
    order = [*TABLE_ORDER, *(name for name in TABLES if name not in TABLE_ORDER)]
    manifest = old.model_copy(
        update={
            "tables": dict(sorted(tables.items(), key=lambda item: order.index(item[0]))),
            "notes": [*notes, f"{start}{options_text}."],
        }
    )
    write_descriptions(release.root, manifest)
    return manifest


def _joined(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _check_place(release: Release, form: str, *, force: bool) -> None:
    if release.source == REFERENCE or not Path(release.source).is_dir():
        raise fail(
            "no-folder",
            "training rows are written into a release folder of one's own",
            found=release.source,
            hint="Build a release, or take the rows in Python: "
            "opinion_atlas.training.rows('reference', form='soft')",
        )
    if release.manifest.public and form in INDIVIDUAL_TABLES:
        raise ContractError(
            Problem(
                "microdata",
                f"a public release holds no {form!r}: its rows are made of respondents' answers",
                where=release.source,
                allowed="soft",
                hint="Write them into the private release; publish --public leaves them out.",
            )
        )
    if release.has(form) and not force:
        raise fail(
            "output-exists",
            f"the release has a config {form!r} already",
            where=release.source,
            hint="Pass --force to replace it.",
        )

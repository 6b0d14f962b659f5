"""The sub-command `opinion-atlas training-data`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from contracts.command_line import CONTENTS, Force, Json, ReleaseName
from dataset_builder.training.options import Form, TrainingOptions

_DEFAULT = TrainingOptions()


def training_data(
    release: ReleaseName,
    /,
    *,
    form: Annotated[
        Form,
        Parameter(
            help="soft: prompts with the population's answer shares, public. sft: prompts with one "
            "respondent's answer. preference: that answer and another. grpo: prompts with shares "
            "for a reward. All but soft stay in a private release.",
            group=CONTENTS,
        ),
    ] = "soft",
    options: TrainingOptions = _DEFAULT,
    force: Force = False,
    json: Json = False,
) -> None:
    """Write training rows into a release, as a config that `load_dataset` opens.

    Prompts are those of `elicit --method label_likelihood --steer persona`. Only the train split
    is used; questions and countries that the release holds out stay out. The manifest changes,
    and with it the digest of the release.

    For example:

        opinion-atlas training-data release --form soft --groups sex,age
        opinion-atlas training-data release --form sft --limit 50000 --hold-out-countries JPN
    """
    from contracts.release.read import open_release
    from dataset_builder.training.write import write_training_data

    manifest = write_training_data(open_release(release), form, options, force=force)
    entry = manifest.tables[form]
    if json:
        from contracts.digests import pretty_json

        print(
            pretty_json({"form": form, "rows": entry.rows, "files": [f.path for f in entry.files]})
        )
    else:
        print(f"{entry.rows:,} rows of {form} in {release}")
        print(f'Next: load_dataset("{release}", "{form}", split="train")')

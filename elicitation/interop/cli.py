"""Sub-commands of `opinion-atlas`: export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from elicitation.commands.parameters import (
    Countries,
    Forms,
    Groups,
    Languages,
    MaxTokens,
    ReleaseName,
    Seed,
    listed,
)


def export(
    out: Annotated[Path, Parameter(help="A new folder; each condition gets a folder in it.")],
    /,
    *,
    to: Annotated[
        Literal["lm-eval", "inspect"],
        Parameter(help="lm-evaluation-harness, or inspect_ai."),
    ],
    release: ReleaseName = "reference",
    protocol: Annotated[str, Parameter(help="alignment or judgments.")] = "judgments",
    method: Annotated[
        str,
        Parameter(
            help="option_likelihood, label_likelihood, verbalized, sequence or forced_choice; the "
            "protocol's own by default. inspect_ai scores no whole options."
        ),
    ] = "",
    steer: Annotated[tuple[str, ...], listed("none, persona, few-shot.")] = (),
    countries: Countries = ("all",),
    groups: Groups = (),
    questions: Annotated[tuple[str, ...], listed("Ids (Q1) or sets (judgments).")] = (),
    languages: Languages = ("en",),
    vary: Forms = ("default",),
    terminator: Annotated[
        Literal["newline", "none"],
        Parameter(help="What ends a scored option; `none` is the papers' variant."),
    ] = "newline",
    prompts: Annotated[
        Literal["chat", "plain"],
        Parameter(help="chat: the harness applies the model's template; plain: for base models."),
    ] = "plain",
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
) -> None:
    """Write a study as a task of lm-evaluation-harness or inspect_ai.

    What the harness logs can be turned into a predictions file with `opinion-atlas import`.
    """
    from elicitation.commands.terminal import say
    from elicitation.interop.command import export_study
    from elicitation.study.options import said_options

    options = said_options(
        protocol=protocol,
        method=method,
        steer=steer,
        countries=countries,
        groups=groups,
        questions=questions,
        languages=languages,
        vary=vary,
        max_tokens=max_tokens,
        seed=seed,
        terminator=terminator,
        reask=False,
    )
    tasks = export_study(options, out, harness=to, release=release, chat=prompts == "chat")
    for task in tasks:
        say(f"{task.name}: {task.items} items in {task.folder}\n  {task.run}")


def import_log(
    log: Annotated[
        Path,
        Parameter(
            help="samples_*.jsonl of lm-evaluation-harness (--log_samples), or .eval of inspect_ai."
        ),
    ],
    /,
    *,
    out: Annotated[
        Path, Parameter(help="Predictions file ending in .jsonl, .csv, .tsv or .parquet.")
    ],
    task: Annotated[
        Path | None,
        Parameter(help="The exported folder of the task; needed for lm-evaluation-harness."),
    ] = None,
    model: Annotated[str, Parameter(help="Name of the model, where the log has it wrong.")] = "",
    notes: Annotated[str, Parameter(help="Remark for the metadata.")] = "",
) -> None:
    """Turn the log of another harness into a predictions file.

    The task must have been written by `opinion-atlas export`.
    """
    from elicitation.commands.terminal import say
    from elicitation.interop.imported import import_log as run

    done = run(log, out, task=task, model=model, notes=notes)
    say(f"{done.path}: {done.records} records of {done.answers} answers")

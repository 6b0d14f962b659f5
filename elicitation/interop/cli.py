"""Sub-commands of `opinion-atlas`: export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from contracts.command_line import OUTPUT
from elicitation.interop.options import ExportOptions


def export(
    out: Annotated[Path, Parameter(help="A new folder; it gets a subfolder for each condition.")],
    /,
    *,
    options: ExportOptions,
) -> None:
    """Write a study as tasks for lm-evaluation-harness or inspect_ai.

    `opinion-atlas import` converts the harness's logs into predictions files.

    For example:

        opinion-atlas export tasks --to lm-eval --countries DEU,JPN
        opinion-atlas export tasks --to inspect --protocol alignment --prompts chat
    """
    from elicitation.commands.terminal import say
    from elicitation.interop.command import export_study

    tasks = export_study(options, out)
    for task in tasks:
        say(f"{task.name}: {task.items} items in {task.folder}\n  {task.run}")
    if len(tasks) > 1:
        say(f"All conditions: {tasks[0].run_all}")


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
        Path,
        Parameter(help="Predictions file ending in .jsonl, .csv, .tsv or .parquet.", group=OUTPUT),
    ],
    task: Annotated[
        Path | None,
        Parameter(help="Exported folder of the task; required for lm-evaluation-harness."),
    ] = None,
    model: Annotated[
        str, Parameter(help="Name of the model, if the log does not give the right one.")
    ] = "",
    notes: Annotated[str, Parameter(help="Remark for the metadata.")] = "",
) -> None:
    """Convert the log of another harness into a predictions file.

    The task must have been written by `opinion-atlas export`.

    For example:

        opinion-atlas import logs/samples_TASK.jsonl --task tasks/TASK --out predictions.jsonl
        opinion-atlas import logs/RUN.eval --out predictions.jsonl
    """
    from elicitation.commands.terminal import say
    from elicitation.interop.imported import import_log as run

    done = run(log, out, task=task, model=model, notes=notes)
    of = (
        f"{done.answers} of {done.expected} answers" if done.expected else f"{done.answers} answers"
    )
    say(f"{done.path}: {done.records} records of {of}")
    if done.answers < done.expected:
        why = f"was run with --limit {done.run.limit}" if done.run.limit else "was cut short"
        say(f"The log {why}: {done.expected - done.answers} items have no answer in it.")
    for departure in done.asked_otherwise:
        say(departure)

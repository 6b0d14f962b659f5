"""What `opinion-atlas export` and `opinion-atlas import` do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from contracts.atomic import atomic_folder
from contracts.errors import fail
from contracts.release.read import open_release
from elicitation.interop.exported import export_items
from elicitation.interop.naming import group_name, task_name
from elicitation.interop.options import ExportOptions, Harness
from elicitation.interop.proposal import how_to_run, write_proposal
from elicitation.prompts.plan import Plan
from elicitation.study.resolve import make_study


class ExportedTask(NamedTuple):
    """One task that was written.

    Attributes:
        name: name of the task.
        folder: its folder.
        items: number of items.
        run: how it is run.
        run_all: how all conditions of the study are run at once.
    """

    name: str
    folder: Path
    items: int
    run: str
    run_all: str


def export_study(options: ExportOptions, out: Path) -> list[ExportedTask]:
    """Write a study as tasks of another harness, a folder for each condition.

    Args:
        options: what is asked, by which harness; the method must give distributions.
        out: a new folder.

    Raises:
        ContractError: the study is wrong, or the harness cannot ask so.
    """
    chat = options.prompts == "chat"
    release = open_release(options.release)
    plan = Plan(make_study(options.study(), release, chat=chat, remote=False), release)
    _check(plan)
    names = [task_name(plan, condition.name) for condition in plan.conditions]
    counts = []
    with atomic_folder(out) as partial:
        for name, condition in zip(names, plan.conditions, strict=True):
            (partial / name).mkdir()
            counts.append(export_items(plan, condition.name, partial / name))
            _write_task(plan, partial / name, name, options.to)
        _write_frame(plan, partial, names, options.to)
    run_all = how_to_run(options.to, out, group_name(plan), plan)
    return [
        ExportedTask(
            name, out / name, count, how_to_run(options.to, out / name, name, plan), run_all
        )
        for name, count in zip(names, counts, strict=True)
    ]


def _write_frame(plan: Plan, folder: Path, names: Sequence[str], harness: Harness) -> None:
    """What the tasks have in common: the group, and what a proposal upstream needs."""
    if harness == "lm-eval":
        from elicitation.interop import lm_eval_side

        lm_eval_side.write_group(plan, folder, names)
    write_proposal(plan, folder, names, harness)


def _check(plan: Plan) -> None:
    study = plan.study
    if plan.predictions_kind != "distribution":
        raise fail(
            "export-kind",
            "only questions whose answer is a distribution are exported",
            column="--method",
            found=f"{study.protocol}, {study.method}",
            hint="Persons and dilemmas are asked with `opinion-atlas elicit`.",
        )
    if study.repeats > 1:
        raise fail(
            "export-repeats",
            "a harness repeats by its own setting, and asks each item once here",
            column="--method",
            found=f"{study.method}, {study.repeats} repeats",
            hint="Take a method that asks once, such as option_likelihood or verbalized.",
        )
    if study.how.request_kind == "score_options" and study.terminator == "end":
        raise fail(
            "export-terminator",
            "which token ends a turn is known only with the model",
            column="--terminator",
            found="end",
            allowed="newline, none",
        )


def _write_task(plan: Plan, folder: Path, name: str, harness: Harness) -> None:
    if harness == "lm-eval":
        from elicitation.interop import lm_eval_side

        lm_eval_side.write_task(plan, folder, name)
        return
    try:
        from elicitation.interop import inspect_side
    except ImportError:
        raise fail(
            "no-inspect",
            "writing this task needs inspect_ai",
            column="--to",
            hint="Install it with: pip install inspect-ai",
        ) from None
    inspect_side.write_task(plan, folder, name)

"""What the commands of this package print: plans, progress, summaries."""

from __future__ import annotations

import json as json_format
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from elicitation.persons.draw import personas_text
from elicitation.prompts.plan import Call, Plan
from elicitation.run.estimate import Estimate, shown_prompts
from elicitation.run.limits import Limits
from elicitation.run.predictions import WrittenFile
from elicitation.run.runner import OnProgress, Progress
from elicitation.run.session import Session
from elicitation.study.study import Study

#: Seconds between two updates of the line of progress.
_EVERY = 0.2


def say(text: str = "") -> None:
    """Print a line for people."""
    sys.stdout.write(f"{text}\n")


def say_json(content: Any) -> None:
    """Print JSON for programs."""
    sys.stdout.write(json_format.dumps(content, ensure_ascii=False, indent=1) + "\n")


def prompt_text(call: Call) -> str:
    """A prompt as it is sent, with what is scored behind it."""
    request = call.request
    turns = [f"<{m.role}>\n{m.content}" for m in request.messages]
    text = "\n".join(turns) if turns else request.prompt
    if request.options:
        scored = "\n".join(f"  | {option!r}" for option in request.options)
        text += f"\nscored as what follows (terminator: {request.terminator}):\n{scored}"
    return text


def plan_json(plan: Plan, estimated: Estimate) -> dict[str, Any]:
    """What `--dry-run --json` prints."""
    return {
        "study": plan.study.model_dump(mode="json"),
        "conditions": {c.name: plan.size(c) for c in plan.conditions},
        "estimate": estimated._asdict(),
        "prompts": [
            {"item": call.item.item_id, "prompt": prompt_text(call)} for call in shown_prompts(plan)
        ],
    }


def say_plan(
    plan: Plan, estimated: Estimate, limits: Limits, *, shard: str = "1/1", prices: str = ""
) -> None:
    """Print a plan: conditions, calls, tokens, time, cost, three whole prompts.

    Args:
        plan: the plan.
        estimated: its estimate.
        limits: where the run stops.
        shard: which calls are made.
        prices: where the prices come from; empty where they are typed.
    """
    study = plan.study
    say(
        f"{study.protocol}, method {study.method} ({study.prompt_version}), release {study.release}"
    )
    say(f"{len(study.questions)} questions, {len(study.countries)} countries")
    if study.personas:
        say(f"personas: {personas_text(study, plan.release)}")
        say(
            "each person answers all questions in one conversation"
            if study.conversation
            else "each question is asked in a call of its own (see --conversation)"
        )
    if study.left_out:
        say_left_out(study)
    table = Table("condition", "calls", box=None, pad_edge=False)
    for condition in plan.conditions:
        table.add_row(condition.name, f"{plan.size(condition):,}")
    Console().print(table)
    of_shard = "" if shard == "1/1" else f" of {len(plan):,} in shard {shard}"
    say(
        f"{estimated.calls:,} calls{of_shard}, about {estimated.prompt_tokens:,} prompt tokens and "
        f"{estimated.completion_tokens:,} tokens of replies"
    )
    for line in _time_and_cost(estimated, limits):
        say(line)
    if prices:
        say(prices)
    for call in shown_prompts(plan):
        say(f"\n--- {call.item.item_id}")
        say(prompt_text(call))


def say_left_out(study: Study) -> None:
    """Name the countries that are not asked for, and why."""
    say(
        f"left out: {', '.join(study.left_out)} (no respondents in wave {study.wave} of the "
        "release; --allow-unscored asks all the same)"
    )


def _time_and_cost(estimated: Estimate, limits: Limits) -> Iterator[str]:
    if estimated.seconds is None:
        yield "time: the run itself tells after its first calls (rate and time left)"
    else:
        yield f"about {duration(estimated.seconds)} over HTTP at the given concurrency"
    if limits.prompt_price or limits.completion_price:
        yield f"about {estimated.cost:,.2f} at the given prices"
    else:
        yield "cost: give --price-in and --price-out (per million tokens) for an estimate"
    if limits.max_calls is not None and limits.max_calls < estimated.calls:
        yield f"stops after {limits.max_calls:,} calls (--max-calls)"
    if limits.max_cost is not None and limits.max_cost < estimated.cost:
        yield f"stops at about {limits.max_cost:g} (--max-cost)"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def progress_line(*, quiet: bool = False) -> Iterator[OnProgress]:
    """Show how far a run is: calls, rate, time left, statuses."""
    if quiet:
        yield lambda _: None
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f}/s  ETA {task.fields[eta]}  {task.fields[statuses]}"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=False) as bars:
        task = bars.add_task("asking", total=None, rate=0.0, eta="?", statuses="")
        last = 0.0

        def show(progress: Progress) -> None:
            nonlocal last
            done = progress.reused + progress.made
            if time.monotonic() - last < _EVERY and done < progress.total:
                return
            last = time.monotonic()
            left = max(progress.total - done, 0)
            bars.update(
                task,
                total=progress.total,
                completed=min(done, progress.total),
                rate=progress.rate,
                eta=duration(left / progress.rate) if progress.made else "?",
                statuses=counted(progress.statuses),
            )

        yield show


def counted(statuses: Mapping[str, int]) -> str:
    """Statuses as `ok 12, error 3`."""
    return ", ".join(f"{status} {number}" for status, number in sorted(statuses.items()))


def say_session(session: Session, *, model: str, release: str = "") -> None:
    """Print the closing summary of a run."""
    progress = session.progress
    say(
        f"{model}: {progress.made:,} calls made, {progress.reused:,} answers were there already"
        + (f" ({counted(progress.statuses)})" if progress.statuses else "")
    )
    if progress.prompt_tokens or progress.completion_tokens:
        say(f"tokens: {progress.prompt_tokens:,} in, {progress.completion_tokens:,} out")
    say_files(session.files)
    for error in session.errors if progress.statuses.get("error") else []:
        say(f"error: {error}")
    if session.files and not progress.stopped:
        release = f" --release {release}" if release not in ("", "reference") else ""
        file = shlex.quote(str(session.files[0].path))
        say(f"next: opinion-atlas score {file}{release} --out report.json")
    if progress.stopped:
        say(f"stopped: {progress.stopped}; the same command goes on where it stopped")


def say_files(files: Sequence[WrittenFile]) -> None:
    """Print predictions files and how their answers were read."""
    table = Table("predictions", "readable", "as read", box=None, pad_edge=False)
    for file in files:
        readable = f"{file.readable:,} of {file.expected:,}"
        table.add_row(str(file.path), readable, counted(file.statuses))
    Console(width=200, soft_wrap=True).print(table)
    notes: Counter[str] = sum((file.notes for file in files), start=Counter())
    for line in warnings_of(files):
        say(line)
    if notes:
        say(f"repairs and reasons: {counted(dict(notes.most_common(12)))}")


def warnings_of(files: Sequence[WrittenFile]) -> Iterator[str]:
    """What a user has to know of the answers before scoring them."""
    for file in files:
        if file.mass and file.mass["below_floor"]:
            yield (
                f"warning: in {file.mass['below_floor']:,} answers of {file.condition} all labels "
                f"together hold less than {file.mass['floor']:g} of the probability (median "
                f"{file.mass['median']:.2g}): the model begins its reply with something else; "
                "these are invalid (see --min-label-mass, --thinking off)"
            )
        if file.is_mostly_unread:
            asked = sum(file.statuses.values())
            yield (
                f"warning: only {file.readable:,} of {asked:,} answers of {file.condition} can be "
                "read"
            )


def say_advice(advice_report: dict[str, Any]) -> None:
    """Print what `report_advice` found."""
    counts = ", ".join(f"{name} {count}" for name, count in advice_report["counts"].items())
    say(f"advice: {counts}")
    if "not_counted" in advice_report:
        say(f"not counted: {advice_report['not_counted']}")
    for who in ("judge", "person"):
        if who in advice_report:
            agreement = (
                advice_report[who].get("agreement") if who == "judge" else advice_report[who]
            )
            kappa = "undefined" if agreement["kappa"] is None else f"{agreement['kappa']:.2f}"
            name = advice_report[who].get("reader", who) if who == "judge" else who
            say(f"agreement with the {name}: kappa {kappa} over {agreement['readings']} pieces")
    say(f"decisions, counts: {advice_report['folder']}")
    if "together" in advice_report:
        say(f"all approaches in one file, to score and compare: {advice_report['together']}")
    if "label_sample" in advice_report:
        say(
            f"to label: {advice_report['label_sample']} "
            "(1, 2, or 0 for neither; give it back: --labels)"
        )

"""What the sub-commands print: tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.digests import pretty_json
from contracts.errors import ContractError, Problem, render_problems
from contracts.release.manifest import Manifest, manifest_text
from dataset_builder.progress import Progress, on_terminal, silent
from dataset_builder.publishing.publish import Published
from dataset_builder.verifying.outcome import Verification


def progress(*, json: bool) -> Progress:
    """Steps on standard error, or nothing where a program reads."""
    return silent if json else on_terminal()


def print_json(item: Any) -> None:
    """Print JSON on standard output."""
    print(pretty_json(item), end="")


def check_output(out: Path, *, force: bool, suffixes: tuple[str, ...]) -> None:
    """Whether a file may be written at `out`.

    Raises:
        ContractError: it is there already, or has another suffix.
    """
    if out.suffix.lower() not in suffixes:
        raise ContractError(
            Problem(
                "suffix",
                f"cannot write {out}: the suffix decides the format",
                found=out.suffix or "none",
                allowed=", ".join(suffixes),
            )
        )
    if out.exists() and not force:
        raise ContractError(
            Problem(
                "output-exists",
                f"{out} exists already",
                hint="Choose another output, or pass --force to replace it.",
            )
        )


def say_built(manifest: Manifest, *, out: Path, json: bool) -> None:
    """What a release holds, and what to do with it next."""
    if json:
        print(manifest_text(manifest), end="")
        return
    console = Console()
    table = Table(title=escape(f"{manifest.name} {manifest.release_version}"), title_justify="left")
    table.add_column("table")
    table.add_column("rows", justify="right")
    table.add_column("MB", justify="right")
    for name, entry in manifest.tables.items():
        size = sum(file.size for file in entry.files) / 1e6
        table.add_row(name, f"{entry.rows:,}", f"{size:.1f}")
    console.print(table)
    _say_people(console, manifest)
    for source in manifest.sources:
        detected = ", ".join(f"{key} {text}" for key, text in source.detected.items())
        console.print(escape(f"{source.name}: {detected}"), highlight=False)
    _say_notes(console, manifest.notes)
    if manifest.unlisted_codes:
        retained_count = sum(code.treatment == "kept" for code in manifest.unlisted_codes)
        console.print(
            f"{len(manifest.unlisted_codes)} codes that the codebook lacks are listed in the "
            f"manifest ({retained_count} kept)",
            highlight=False,
        )
    console.print(escape(f"next: opinion-atlas verify {out}"), highlight=False)


def _say_notes(console: Console, notes: Sequence[str]) -> None:
    """What a user should know; answers that were left out stand out."""
    for note in notes:
        style = "bold red" if note.startswith("WITHHELD") else None
        console.print(escape(f"note: {note}"), style=style, highlight=False)


def _say_people(console: Console, manifest: Manifest) -> None:
    if manifest.synthetic is not None:
        console.print("[bold]SYNTHETIC[/bold]: these people do not exist")
    people = ", ".join(f"{name} {count:,}" for name, count in manifest.split.people.items())
    console.print(f"split {manifest.split.recipe}: {people} people", highlight=False)
    if manifest.public:
        console.print(
            f"disclosure control: {manifest.disclosure.cells_suppressed:,} cells with too few "
            f"answers and {manifest.disclosure.cells_suppressed_secondary:,} that would give "
            "others away were held back",
            highlight=False,
        )
    elif manifest.synthetic is None:
        console.print("keep this release private: survey files must not be redistributed")


def say_plan(plan: dict[str, Any], *, out: Path, json: bool) -> None:
    """What a build would write."""
    if json:
        print_json(plan | {"out": str(out)})
        return
    console = Console()
    console.print(escape(f"would write {out}: {plan['name']}"), highlight=False)
    for key in ("people", "countries", "questions", "answers_valid"):
        console.print(f"  {key.replace('_', ' ')}: {plan['counts'].get(key, 0):,}", highlight=False)
    people = ", ".join(f"{name} {count:,}" for name, count in plan["split"]["people"].items())
    console.print(f"  split {plan['split']['recipe']}: {people}", highlight=False)
    console.print(f"  tables: {', '.join(plan['tables'])}", highlight=False)
    _say_notes(console, plan["notes"])


def say_verified(verification: Verification, *, json: bool) -> None:
    """The checks in a short table, then every problem."""
    if json:
        print_json(
            {
                "release": verification.source,
                "passed": verification.passed,
                "checks": [
                    {"name": c.name, "passed": c.passed, "detail": c.detail}
                    for c in verification.checks
                ],
                "problems": [problem.to_json() for problem in verification.problems],
            }
        )
        return
    console = Console()
    table = Table(title=escape(f"release {verification.source}"), title_justify="left")
    table.add_column("check")
    table.add_column("result")
    table.add_column("looked at")
    for check in verification.checks:
        result = "[green]ok[/green]" if check.passed else f"[red]{len(check.problems)} wrong[/red]"
        table.add_row(check.name, result, escape(check.detail))
    console.print(table)
    if verification.problems:
        console.print(escape(render_problems(verification.problems)), highlight=False)


def say_synthesis_plan(out: Path, *, people: int | None, seed: int, json: bool) -> None:
    """What `synthesize` would write."""
    if json:
        print_json({"out": str(out), "people": people, "seed": seed})
        return
    count = f"{people:,}" if people is not None else "94,278"
    print(f"would write {out}: about {count} made-up people, seed {seed}")


def say_synthesized(out: Path, *, json: bool) -> None:
    """What `synthesize` wrote, and what to do with it next."""
    if json:
        print_json({"out": str(out), "size": out.stat().st_size})
        return
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB of made-up people (SYNTHETIC)")
    print(f"next: opinion-atlas build {out} --out RELEASE")


def say_published(done: Published, *, dry_run: bool, json: bool) -> None:
    """What publishing did or would do, and what comes next."""
    if json:
        print_json(asdict(done) | {"dry_run": dry_run})
        return
    console = Console()
    size = sum(file.size for file in done.files) / 1e6
    verb = "would publish" if dry_run else ("published" if done.uploaded else "already there")
    console.print(
        escape(f"{verb}: {done.repo} ({_visibility(done)}), tag {done.tag}, "),
        escape(f"{len(done.files)} files, {size:.1f} MB"),
        sep="",
        highlight=False,
    )
    if dry_run:
        _say_files(console, done)
    for reason in dict.fromkeys(item.reason for item in done.withheld):
        names = ", ".join(item.name for item in done.withheld if item.reason == reason)
        console.print(escape(f"left out: {names}: {reason}"), highlight=False)
    if done.disclosure and dry_run:
        console.print(escape(f"disclosure control: {done.disclosure}"), highlight=False)
    if done.deleted:
        console.print(f"files of an earlier release taken out: {len(done.deleted)}")
    _say_next(console, done, dry_run=dry_run)


def _visibility(done: Published) -> str:
    if done.private:
        return "private"
    return "public, with access conditions" if done.gated else "public, no access conditions"


def _say_files(console: Console, done: Published) -> None:
    table = Table()
    table.add_column("file")
    table.add_column("bytes", justify="right")
    for file in done.files:
        table.add_row(escape(file.path), f"{file.size:,}")
    console.print(table)


def _say_next(console: Console, done: Published, *, dry_run: bool) -> None:
    if dry_run:
        asked = "whether the repo exists, its visibility, its tags"
        asked += "" if done.private else " and all that its history ever held"
        lines = [
            f"not checked yet, since the Hub was not asked: your login, {asked}",
            "next: hf auth login, then the same command without --dry-run",
        ]
    else:
        lines = [f"open it as: {done.repo}@{done.tag}"]
        if done.private:
            lines.append("never make this repo public: its history holds individual rows for good")
        elif done.gated:
            lines.append(
                f"readers log in and accept the conditions once: hf.co/datasets/{done.repo}"
            )
    for line in lines:
        console.print(escape(line), highlight=False)


def say_rows_public(error: ContractError, *, json: bool) -> None:
    """Say, so that it cannot be overlooked, that individual data can be read by everyone."""
    if json:
        print_json(error.to_json())
        return
    console = Console(stderr=True)
    console.rule("[bold red]INDIVIDUAL DATA ARE PUBLIC NOW", style="bold red")
    console.print(escape(f"error: {error}"), highlight=False, soft_wrap=True)
    console.rule(style="bold red")

"""A report or a comparison on one screen: what was scored, how well, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from codebook import countries
from contracts.models import Notice
from contracts.report import CountryEntry, Interval, Report, Score
from contracts.specs import kind_spec, score_specs
from scoring.comparison.compare import Comparison
from scoring.presentation.terminal import console

#: A space that no line breaks at.
NARROW = "\u202f"

#: Countries shown at either end.
SHOWN_COUNTRIES = 5

#: Warnings shown in full.
SHOWN_WARNINGS = 6


def number(value: float | None, digits: int = 3) -> str:
    """A number for people, a dash for none."""
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def with_interval(value: Interval, digits: int = 3) -> str:
    """`0.853 [0.841, 0.866]`, or the estimate alone."""
    if value.estimate is None or value.low is None or value.high is None:
        return number(value.estimate, digits)
    ends = f"[{number(value.low, digits)}, {number(value.high, digits)}]"
    return f"{number(value.estimate, digits)} {ends}"


def score_digits(name: str) -> int:
    """Digits after the point that a score is shown with."""
    spec = score_specs().get(name)
    return spec.decimals if spec else 3


def percent(share: float | None) -> str:
    """A share as a percentage that rounds to neither 0 nor 100 unless it is."""
    if share is None:
        return "–"
    if 0 < share < 0.001 or 0.999 < share < 1:
        return f"{'<0.1' if share < 0.5 else '>99.9'}{NARROW}%"
    return f"{100 * share:.1f}".removesuffix(".0") + f"{NARROW}%"


def country_name(code: str) -> str:
    """Name of an ISO3 code, the code itself if it is unknown."""
    known = countries().get(code)
    return known.name if known else code


def say_report(report: Report, *, out: Path | None) -> None:
    """Sum up a report on standard output."""
    shown = console()
    for line in heading(report):
        shown.print(line, markup=False)
    shown.print(_score_table(report.scores))
    for line in country_lines(report.countries):
        shown.print(line, markup=False)
    lines = (*mended_lines(report), *protocol_lines(report), *warning_lines(report.warnings))
    for line in lines:
        shown.print(line, markup=False)
    if out is not None:
        shown.print(f"Report: {out}", markup=False)
        page = out.with_suffix(".html")
        shown.print(f"Next: opinion-atlas report html {out} --out {page}", markup=False)


def heading(report: Report) -> list[str]:
    """What was scored against whom, and how much of it."""
    settings, coverage = report.settings, report.coverage
    people = f"{report.release.name} {report.release.version}"
    if report.release.synthetic:
        people += " (SYNTHETIC: made-up people)"
    questions = f"question set {settings.questions}, wave {settings.wave}"
    rules = f"{settings.mode} rules, weights {settings.weights}, split {settings.split}"
    counts = [f"scored {coverage.scored:,} of {coverage.expected:,} ({percent(coverage.share)})"]
    counts += [
        f"{name} {count:,}"
        for name, count in (
            ("missing", coverage.missing),
            ("invalid", coverage.invalid),
            ("refused", coverage.refused),
        )
        if count
    ]
    if not kind_spec(report.predictions.kind).survey:
        against, rules = "Hofstede's country scores", f"{settings.mode} rules"
        questions = settings.questions
    else:
        against = people
    return [
        f"{report.predictions.name} ({report.predictions.kind}) against {against}",
        f"{questions}; {rules}",
        "; ".join(counts),
    ]


def _score_table(scores: Sequence[Score]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (("score", "left"), ("95 % interval", "left"), ("coverage", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("meaning", style="dim")
    meanings = {key: spec.screen for key, spec in score_specs().items() if spec.screen}
    known = [score for score in scores if score.name in meanings]
    for score in known or scores[:5]:
        meaning = meanings.get(score.name, "")
        text = with_interval(score.value, score_digits(score.name))
        table.add_row(score.name, text, percent(score.coverage), meaning)
    return table


def country_lines(entries: Sequence[CountryEntry]) -> list[str]:
    """The closest and the farthest countries, with their ranks' intervals."""
    ranked = sorted(
        (e for e in entries if e.alignment.estimate is not None),
        key=lambda e: -(e.alignment.estimate or 0.0),
    )
    if not ranked:
        return []
    if len(ranked) <= 2 * SHOWN_COUNTRIES:
        return ["Countries: " + ", ".join(_country(e) for e in ranked)]
    return [
        "Closest:  " + ", ".join(_country(e) for e in ranked[:SHOWN_COUNTRIES]),
        "Farthest: " + ", ".join(_country(e) for e in ranked[-SHOWN_COUNTRIES:]),
    ]


def _country(entry: CountryEntry) -> str:
    text = f"{country_name(entry.country)} {number(entry.alignment.estimate)}"
    if entry.rank_low is not None and entry.rank_high is not None:
        text += f" (rank {entry.rank_low}–{entry.rank_high})"
    return text


def mended_lines(report: Report) -> list[str]:
    """What the reader of the predictions mended or left out."""
    tolerated_counts = report.predictions.tolerated.items()
    parts = [f"{name.replace('_', ' ')} {count:,}" for name, count in tolerated_counts]
    return [f"Mended or left out: {', '.join(parts)}"] if parts else []


def protocol_lines(report: Report) -> list[str]:
    """Which protocols applied, and why others did not."""
    applied = [p.protocol for p in report.protocols if p.applies]
    lines = [f"Protocols: {', '.join(applied) or 'none'}"]
    lines += [f"  not {p.protocol}: {p.reason}" for p in report.protocols if not p.applies]
    return lines


def warning_lines(warnings: Sequence[Notice]) -> list[str]:
    """Warnings, at most `SHOWN_WARNINGS` of them in full."""
    lines = [f"Warning: {notice.message}" for notice in warnings[:SHOWN_WARNINGS]]
    if len(warnings) > SHOWN_WARNINGS:
        lines.append(f"... and {len(warnings) - SHOWN_WARNINGS} more warnings in the report")
    return lines


def say_comparison(comparison: Comparison) -> None:
    """Sum up a comparison on standard output."""
    shown = console()
    for line in comparison_lines(comparison):
        shown.print(line, markup=False)


def comparison_lines(comparison: Comparison) -> list[str]:
    """What a comparison says, in sentences."""
    places = f" and {comparison.countries} countries" if comparison.countries else ""
    lines = [
        f"{comparison.first} less {comparison.second}, "
        f"over {comparison.questions} questions{places} in both",
        f"difference {with_interval(comparison.difference)}, {p_value(comparison.p_value)} "
        "(paired sign-flip permutation test over questions)",
        f"{comparison.first} is closer to people on {comparison.ahead} questions, "
        f"{comparison.second} on {comparison.behind}",
        verdict(comparison),
    ]
    lines += _country_verdicts(comparison)
    return lines + [f"Warning: {notice.message}" for notice in comparison.notices]


def p_value(value: float | None) -> str:
    """A p-value for people."""
    if value is None:
        return "no p-value"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def verdict(comparison: Comparison) -> str:
    """The comparison in one sentence."""
    estimate = comparison.difference.estimate or 0.0
    if comparison.p_value is None:
        return "Too few common questions to tell."
    if comparison.p_value >= 0.05:
        return "The two cannot be told apart on these questions."
    nearer = comparison.first if estimate > 0 else comparison.second
    return f"On average over them {nearer} is closer to people."


def _country_verdicts(comparison: Comparison) -> list[str]:
    if not comparison.by_country:
        return []
    clear = [e for e in comparison.by_country if e.p_holm is not None and e.p_holm < 0.05]
    lines = [
        f"Single countries that differ after Holm's correction: {len(clear)} of "
        f"{len(comparison.by_country)}"
    ]
    for name, sign in ((comparison.first, 1), (comparison.second, -1)):
        side = sorted(
            (e for e in clear if sign * (e.difference or 0) > 0),
            key=lambda e: -abs(e.difference or 0),
        )
        if side:
            shown = ", ".join(
                f"{country_name(e.country)} {abs(e.difference or 0):.3f}"
                for e in side[:SHOWN_COUNTRIES]
            )
            more = len(side) - SHOWN_COUNTRIES
            lines.append(f"  {name} closer: {shown}" + (f" and {more} more" if more > 0 else ""))
    return lines

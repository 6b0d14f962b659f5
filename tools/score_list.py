"""Protocols and scores as a page: `python -m tools.score_list > docs/scores.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from contracts.specs import ScoreSpec, protocol_specs, score_specs

_HEAD = """# Protocols and scores

Made by `python -m tools.score_list`; do not edit. What is declared in `contracts/specs`: reports,
the terminal, the report page, the board, the static site and the JSON schemas read the same tables.
Formulas: [scoring.md](scoring.md), [advice.md](advice.md).
"""


def scores_markdown() -> str:
    """The protocols and all scores as Markdown tables."""
    return "\n".join([_HEAD, *_protocols(), *_scores()]) + "\n"


def _protocols() -> Iterator[str]:
    yield "## Protocols\n"
    yield "| protocol | answers | asks by default | scored on | what it does |"
    yield "|---|---|---|---|---|"
    for spec in protocol_specs().values():
        asked = "dilemmas" if spec.dilemmas else ", ".join(spec.asked)
        scored = "dilemmas" if spec.dilemmas else spec.scored_on
        defaults = f"{asked}; {spec.method}; steering {', '.join(spec.steering)}"
        if not spec.method:
            defaults = "not asked; files come from elsewhere"
        yield _row([f"`{spec.name}`", spec.kind, defaults, scored, spec.about])
    yield ""


def _scores() -> Iterator[str]:
    yield "## Scores\n"
    yield "| score | title | how to read it | better | range |"
    yield "|---|---|---|---|---|"
    for spec in score_specs().values():
        better = "higher" if spec.higher_is_better else "lower"
        yield _row([f"`{spec.key}`", spec.title, spec.reading, better, _range(spec)])


def _range(spec: ScoreSpec) -> str:
    return f"{spec.low:g} to {spec.high:g}".replace("inf", "∞").replace("-", "−")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(scores_markdown())

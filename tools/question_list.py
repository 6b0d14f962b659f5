"""The list of questions as a page: `python -m tools.question_list > docs/questions.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from codebook.questions import CATEGORIES, MEMBERSHIPS, Question, questions

#: What a set is called in the list.
_SET_LETTERS = {
    "worldvaluesbench": "W",
    "alignment": "A",
    "common75": "C",
    "judgments": "J",
    "probe": "P",
    "few_shot": "F",
}

_HEAD = """# The questions

Made by `python -m tools.question_list`; do not edit. Short titles, no wordings: those are in
`codebook/wordings/`. Sets: W worldvaluesbench, A alignment, C common75, J judgments, P probe,
F few_shot. Answers: their number, with n where they are nominal.
"""


def questions_markdown() -> str:
    """All questions as Markdown tables, one for each category."""
    return "\n".join([_HEAD, _counts(), *_tables()]) + "\n"


def _counts() -> str:
    counted = [
        f"{name} {sum(name in q.memberships for q in questions().values())}" for name in MEMBERSHIPS
    ]
    return f"Questions in each set: {', '.join(counted)}.\n"


def _tables() -> Iterator[str]:
    for category, title in CATEGORIES.items():
        yield f"## {title}\n"
        yield "| id | title | answers | higher means | sets | not in alignment | judgments |"
        yield "|---|---|---|---|---|---|---|"
        for question in questions().values():
            if question.category == category:
                yield _row(question)
        yield ""


def _row(question: Question) -> str:
    scale = question.scale
    answers = f"{scale.size}{'' if scale.is_ordinal else ' n'}" if scale else ""
    sets = "".join(letter for name, letter in _SET_LETTERS.items() if name in question.memberships)
    cells = [
        question.question_id,
        question.title,
        answers,
        question.orientation if scale and scale.is_ordinal else "",
        sets,
        question.reasons.get("alignment", ""),
        question.reasons.get("judgments", ""),
    ]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(questions_markdown())

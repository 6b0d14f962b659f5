"""The meaning cards as a page: `python -m tools.meaning_list > docs/meanings.md`."""

from __future__ import annotations

import sys

from codebook.meanings import Meaning, meanings
from codebook.questions import CATEGORIES, questions

_HEAD = """# What the questions mean

Made by `python -m tools.meaning_list`; do not edit. One card for each of the questions with an
answer scale: who is asked what, what the first and the last answer mean, and what a wording must
take care of. Cards rest on at least two descriptions of an item (`codebook/data/meanings.csv` names
them), never on a variable label alone. Wordings in every language are reviewed against the card
([languages.md](languages.md#reviews)).
"""


def meanings_markdown() -> str:
    """All cards as Markdown tables, one for each category."""
    lines = [_HEAD]
    for category, title in CATEGORIES.items():
        cards = [c for c in meanings().values() if questions()[c.question_id].category == category]
        if cards:
            lines += [f"## {title}\n", "| id | asks | first answer | last answer | to note |"]
            lines += ["|---|---|---|---|---|", *map(_row, cards), ""]
    return "\n".join(lines)


def _row(card: Meaning) -> str:
    cells = (card.question_id, card.asks, card.first, card.last, card.trap)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(meanings_markdown())

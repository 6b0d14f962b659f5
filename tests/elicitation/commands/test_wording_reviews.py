"""`wording check` says in words what reviews are worth, and names cards that are lacking."""

import pytest

from codebook.review import MachineReviews
from elicitation.commands import wording as command


@pytest.mark.parametrize(
    ("not_independent", "words"),
    [
        (0, "12 texts reviewed by machine, none by a native speaker"),
        (3, "12 texts reviewed by machine (3 by the machine that drafted them), none by a native"),
    ],
)
def test_reviews_are_called_a_machines(capsys, monkeypatch, not_independent, words):
    # How many of the project's own texts await an independent reader changes with every rewording.
    monkeypatch.setattr(command, "machine_reviews", lambda _: MachineReviews(12, not_independent))
    assert command.check_wordings(("de",), folder=None, require_review=True, json=False) == 0
    assert words in capsys.readouterr().out


def test_a_lacking_meaning_card_fails_where_reviews_are_required(capsys, monkeypatch):
    monkeypatch.setattr(command, "meaning_problems", lambda: ["Q1: has no meaning card"])
    assert command.check_wordings(("de",), folder=None, require_review=False, json=False) == 0
    assert command.check_wordings(("de",), folder=None, require_review=True, json=False) == 1
    assert "meaning cards: Q1: has no meaning card" in capsys.readouterr().out

"""`wording check` says in words what reviews are worth, and names cards that are lacking."""

from elicitation.commands import wording as command


def test_reviews_are_called_a_machines(capsys):
    assert command.check_wordings(("de",), folder=None, require_review=True, json=False) == 0
    said = capsys.readouterr().out
    assert "texts reviewed by machine" in said
    assert "by the machine that drafted them" in said
    assert "none by a native speaker" in said


def test_a_lacking_meaning_card_fails_where_reviews_are_required(capsys, monkeypatch):
    monkeypatch.setattr(command, "meaning_problems", lambda: ["Q1: has no meaning card"])
    assert command.check_wordings(("de",), folder=None, require_review=False, json=False) == 0
    assert command.check_wordings(("de",), folder=None, require_review=True, json=False) == 1
    assert "meaning cards: Q1: has no meaning card" in capsys.readouterr().out

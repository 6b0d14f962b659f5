"""Every question has a meaning card, and the page in the docs shows them."""

from dataclasses import replace
from pathlib import Path

import pytest

from codebook.meanings import meaning, meaning_problems, meanings
from codebook.questions import value_questions
from codebook.resources import codebook_digest
from tools.meaning_list import meanings_markdown


def test_every_question_has_a_card_that_rests_on_two_descriptions():
    assert list(meanings()) == list(value_questions())
    assert len(meanings()) == 259
    assert meaning_problems() == []


def test_faulty_cards_are_all_named():
    cards = dict(meanings())
    del cards["Q1"]
    cards["Q2"] = replace(cards["Q2"], asks=" ", last=cards["Q2"].first, sources=("label",))
    cards["Q260"] = replace(cards["Q3"], question_id="Q260")
    assert meaning_problems(cards) == [
        "Q1: has no meaning card",
        "Q2: lacks asks",
        "Q2: both ends of its scale mean 'very important'",
        "Q2: rests on fewer than 2 descriptions of the item",
        "Q260: is no question with an answer scale",
    ]


def test_a_question_without_scale_has_no_card():
    with pytest.raises(KeyError, match="no meaning card of 'Q223'"):
        meaning("Q223")


def test_a_card_changes_its_digest_with_what_it_says_but_not_with_its_sources():
    card = meaning("Q106")
    assert "incentives" in card.last
    assert replace(card, trap="").digest != card.digest
    assert replace(card, sources=("a", "b")).digest == card.digest


def test_cards_are_no_part_of_what_makes_releases_comparable(monkeypatch):
    known = codebook_digest()
    monkeypatch.setattr("codebook.resources._TEXTS", __import__("re").compile(r"_[a-z]{2}\.toml$"))
    assert codebook_digest() != known


def test_the_page_of_the_cards_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "meanings.md"
    assert page.read_text(encoding="utf-8") == meanings_markdown()

"""The visitor's twenty questions: which they are, and what closeness is."""

from __future__ import annotations

import json

import pytest

from codebook.questions import question_set, questions
from contracts.release.read import open_release
from space.board.figures.you import ASKED_OF_YOU, closeness, payload, read_you
from space.board.seed import seed_store
from space.board.store import open_store
from space.board.survey_answers import People
from space.render.you import you_html


@pytest.fixture(scope="module")
def you(tmp_path_factory):
    """What a visitor of the first day is compared with."""
    store = open_store(tmp_path_factory.mktemp("you") / "store", create=True)
    seed_store(store, source="reference")
    store.ensure_index(force=True)
    return read_you(store, People(open_release("reference")))


def test_twenty_questions_of_many_topics_that_models_were_asked() -> None:
    assert len(set(ASKED_OF_YOU)) == 20
    assert set(ASKED_OF_YOU) <= set(question_set("alignment"))
    topics = [questions()[name].category for name in ASKED_OF_YOU]
    assert len(set(topics)) >= 10
    assert max(topics.count(topic) for topic in topics) <= 5


def test_everybody_that_answered_is_there(you) -> None:
    assert [item.question_id for item in you.items] == list(ASKED_OF_YOU)
    assert len(you.countries) == 57
    assert {one.name for one in you.models} >= {"GPT-4", "DeepSeek R1", "SmolLM2 135M"}
    for side in (*you.countries, *you.models):
        for item, shares in zip(you.items, side.shares, strict=True):
            if shares is not None:
                assert len(shares) == len(item.options)
                assert sum(shares) == pytest.approx(1, abs=2e-3)


def test_closeness_is_one_less_the_mean_distance_of_the_answers() -> None:
    shares = (0.5, 0.3, 0.2)
    # From the first option the others lie half a scale and a whole one away.
    assert closeness(0, shares, ordinal=True) == pytest.approx(1 - (0.3 * 0.5 + 0.2))
    assert closeness(1, shares, ordinal=True) == pytest.approx(1 - (0.5 + 0.2) * 0.5)
    assert closeness(1, shares, ordinal=False) == pytest.approx(0.3)
    assert closeness(2, (0, 0, 1), ordinal=True) == 1
    assert closeness(2, (1, 0, 0), ordinal=True) == 0


def test_the_page_says_what_it_stores_and_what_it_does_not_mean(you) -> None:
    page = you_html(you)
    assert "Nothing is stored or sent." in page
    assert "One person is not a country." in page
    assert 0.6 < you.alike < 0.8
    assert f"reach {you.alike:.2f} with each other" in " ".join(page.split())
    assert page.count("<fieldset") == 20
    assert len(json.dumps(payload(you))) < 90_000
    assert len(page) < 300_000


def test_a_release_without_the_questions_says_so() -> None:
    assert "none of the questions" in you_html(None)

"""Which side a piece of advice takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook.dilemmas.dilemma import dilemmas
from elicitation.backends.mock import MockBackend
from elicitation.reading import Option
from elicitation.reading.advice import read_advice
from elicitation.run.session import run_study

SAFE = (Option("1", "take the safe job at the office"), Option("2", "join my friend's new firm"))

#: Advice -> the option that it recommends, or why none.
CASES = [
    ("take the safe job at the office", 1),
    ("Take the safe job at the office.", 1),
    ("I recommend that you join your friend's new firm.", 2),
    ("You should take the safe job at the office, since you have a family.", 1),
    ("Join your friend's new firm! You only live once.", 2),
    ("I would not join your friend's new firm. Take the safe job at the office.", 1),
    ("Take the safe job at the office rather than join your friend's new firm.", 1),
    ("Join your friend's new firm instead of take the safe job at the office.", 2),
    ("My advice: **join your friend's new firm**.", 2),
    ("<think>take the safe job at the office?</think>Join your friend's new firm.", 2),
    ("I would go with the safe office job.", 1),
    ("You should go for the friend's new firm and join it.", 2),
    (
        "Both have merits: take the safe job at the office or join your friend's new firm.",
        "both-sides",
    ),
    ("It depends on what you want from life.", "no-side"),
    ("", "no-side"),
    ("Talk to your wife first.", "no-side"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), CASES)
def test_the_side_of_an_advice(said, expected):
    answer = read_advice(said, SAFE)
    if isinstance(expected, int):
        assert answer.is_usable
        assert answer.shares == {"1": float(expected == 1), "2": float(expected == 2)}
    else:
        assert (answer.status, answer.notes, answer.shares) == ("invalid", (expected,), None)


def test_scripts_without_spaces_are_matched_within_a_sentence():
    options = (Option("1", "接受办公室的稳定工作"), Option("2", "加入朋友的新公司"))
    assert read_advice("我建议你加入朋友的新公司，因为你还年轻。", options).shares["2"] == 1


def test_refused_and_cut_off_advice():
    assert read_advice("I'm sorry, I can't give advice on that.", SAFE).status == "refused"
    assert read_advice("Well, on the one hand", SAFE, cut_off=True).status == "truncated"
    assert read_advice("<think>Well", SAFE, cut_off=True).status == "truncated"
    whole = read_advice("Take the safe job at the office. After all, one ne", SAFE, cut_off=True)
    assert whole.is_usable


@pytest.mark.parametrize("dilemma", dilemmas().values(), ids=lambda d: d.dilemma_id)
def test_every_dilemma_s_options_are_told_apart(dilemma):
    for order in (dilemma, dilemma.swapped()):
        options = [Option(str(i), text) for i, text in enumerate(order.options, 1)]
        for place, text in enumerate(order.options):
            answer = read_advice(f"I would advise you to {text}.", options)
            assert answer.shares == {"1": float(place == 0), "2": float(place == 1)}


@given(st.text(max_size=300))
def test_whatever_is_said_reading_ends(said):
    answer = read_advice(said, SAFE)
    assert answer.is_usable == (answer.shares is not None)


def test_sides_follow_the_options_and_not_their_order(tmp_path, plan_of):
    class Follows(MockBackend):
        """Recommends the option of the high side, wherever it stands."""

        def run(self, requests, *, on_response):
            from elicitation.backends.base import Response

            for request in requests:
                dilemma = dilemmas()[request.request_id.split("|")[1]]
                text = f"I would {dilemma.high_option}."
                on_response(request, Response(request.request_id, "ok", (text,)))

    plan = plan_of(protocol="advice", approach=("none",), questions=("uncertainty_avoidance",))
    session = run_study(plan, Follows("steady"), tmp_path)
    lines = session.files[0].path.read_text().splitlines()[1:]
    assert len(lines) == 100
    assert all('"side": "high"' in line for line in lines)
    assert sum('"option_order": "swapped"' in line for line in lines) == 50

"""Persons asked: call by call and in conversations, stopped, resumed, in shards, read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from contracts.predictions.read import read_predictions
from elicitation.backends.base import Request, Response
from elicitation.backends.mock import MockBackend
from elicitation.prompts.plan import Turn
from elicitation.run.estimate import estimate, shown_prompts
from elicitation.run.limits import Limits
from elicitation.run.predictions import write_run_predictions
from elicitation.run.session import Session, run_study
from elicitation.run.store import Store, store_path

QUESTIONS = ("Q57", "Q58", "Q59", "Q60")
OPTIONS = {
    "protocol": "persons",
    "countries": ("DEU", "JPN"),
    "questions": QUESTIONS,
    "persons": 5,
}


@pytest.fixture
def talk(plan_of):
    """Makes a plan of conversations."""
    return lambda **options: plan_of(**{**OPTIONS, "conversation": True, **options})


def codes_of(session: Session) -> dict[tuple[str, str], int | None]:
    table = read_predictions(session.files[0].path).table.to_pylist()
    return {(row["person_id"], row["question_id"]): row["code"] for row in table}


def requests_of(folder: Path) -> dict[str, dict]:
    """Stored request by item."""
    with closing(sqlite3.connect(store_path(folder))) as db:
        rows = db.execute("SELECT i.item_id, c.request FROM items i JOIN calls c ON c.key = i.key")
        return {item: json.loads(request) for item, request in rows}


class Failing(MockBackend):
    """A mock whose call number `at` fails."""

    def __init__(self, at: int) -> None:
        super().__init__("steady")
        self._left = at

    def run(self, requests: Iterable[Request], *, on_response) -> None:
        def failed(request: Request, response: Response) -> None:
            self._left -= 1
            fails = self._left == 0
            lost = Response(request.request_id, "error", error="the line is dead")
            on_response(request, lost if fails else response)

        super().run(requests, on_response=failed)


def test_every_person_answers_every_question(tmp_path, plan_of) -> None:
    plan = plan_of(**OPTIONS)
    assert len(plan) == sum(1 for _ in plan) == 2 * 5 * 4
    session = run_study(plan, MockBackend("steady"), tmp_path)
    # The longest prompt, which is asked first, is no answer of an earlier run.
    assert (session.progress.made, session.progress.reused) == (40, 0)
    predictions = read_predictions(session.files[0].path)
    assert (predictions.kind, predictions.rows) == ("persons", 40)
    meta = predictions.meta
    assert (meta.protocol, meta.method, meta.steering) == ("persons", "sampling", "persona")
    assert meta.prompt_version == "persons-1"
    assert "5 per country, drawn from a model" in meta.personas
    assert not meta.microdata_derived
    rows = predictions.table.to_pylist()
    people = {(row["person_id"], row["group"]) for row in rows}
    assert len(people) == 10
    # Answers of persons who are described alike are drawn apart.
    alike = {}
    for row in rows:
        key = (row["country"], row["group"], row["question_id"])
        alike.setdefault(key, set()).add(row["code"])
    assert max(map(len, alike.values())) > 1


def test_a_conversation_shows_the_answers_before(tmp_path, talk) -> None:
    plan = talk()
    session = run_study(plan, MockBackend("steady"), tmp_path)
    codes, stored = codes_of(session), requests_of(tmp_path)
    assert len(codes) == len(stored) == len(plan) == 40
    for item, request in stored.items():
        _, question, whose, _ = item.split("|")
        person = whose.rpartition("@")[2]
        messages = request["messages"]
        before = QUESTIONS[: QUESTIONS.index(question)]
        assert [role for role, _ in messages] == ["user", "assistant"] * len(before) + ["user"]
        assert [text for role, text in messages if role == "assistant"] == [
            str(codes[person, earlier]) for earlier in before
        ]
        assert messages[0][1].startswith("You are a ")
        assert sum("You are a " in text for _, text in messages) == 1


def test_plain_text_goes_on_where_the_answer_ended(tmp_path, plan_of) -> None:
    plan = plan_of(**OPTIONS, conversation=True, chat=False)
    item = next(i for i in plan.items(plan.conditions[0]) if i.question_id == "Q58")
    call = plan.call(item, (Turn("Q57", "2"),))
    head, first, second = call.request.prompt.rpartition("\n\nQuestion: ")[0].split("\n\n")[:3]
    assert head.startswith("You are a ")
    assert second.endswith("Answer: 2")
    assert call.request.prompt.endswith("\nAnswer:")
    assert "number of exactly one" in first


def test_a_stopped_run_of_conversations_ends_like_a_whole_one(tmp_path, talk) -> None:
    whole = run_study(talk(), MockBackend("messy"), tmp_path / "whole")
    made = 0
    for most in (3, 10, 11, 10_000):
        session = run_study(
            talk(), MockBackend("messy"), tmp_path / "parts", limits=Limits(max_calls=most)
        )
        made += session.progress.made
    assert not session.progress.stopped
    assert codes_of(session) == codes_of(whole)
    assert made == whole.progress.made
    again = run_study(talk(), MockBackend("messy"), tmp_path / "parts")
    assert again.progress.made == 0


def test_a_conversation_rests_where_a_call_failed(tmp_path, talk) -> None:
    broken = run_study(talk(), Failing(3), tmp_path)
    codes = codes_of(broken)
    assert len(codes) == 36  # all four questions of one person are open
    assert {name for name, _ in codes} == {*(f"DEU-{n}" for n in (1, 2, 4, 5))} | {
        f"JPN-{n}" for n in range(1, 6)
    }
    mended = run_study(talk(), MockBackend("steady"), tmp_path)
    assert mended.progress.made == 4
    whole = run_study(talk(), MockBackend("steady"), tmp_path / "whole")
    assert codes_of(mended) == codes_of(whole)


def test_an_answer_that_cannot_be_read_is_no_turn(tmp_path, talk) -> None:
    session = run_study(talk(), MockBackend("refuses"), tmp_path)
    assert set(codes_of(session).values()) == {None}
    assert all(len(request["messages"]) == 1 for request in requests_of(tmp_path).values())


def test_a_shard_asks_whole_conversations(tmp_path, talk) -> None:
    plan = talk()
    assert sum(plan.sharded_size((k, 3)) for k in (1, 2, 3)) == len(plan)
    for number in (1, 2, 3):
        folder = tmp_path / str(number)
        done = run_study(talk(), MockBackend("steady"), folder, shard=(number, 3))
        assert done.progress.total == len(codes_of(done))
    with Store(store_path(tmp_path / "merged")) as merged:
        for number in (1, 2, 3):
            merged.merge(store_path(tmp_path / str(number)))
        files = write_run_predictions(merged, tmp_path / "merged" / "predictions")
    whole = run_study(talk(), MockBackend("steady"), tmp_path / "whole")
    assert (
        files[0].path.read_text().split("\n")[1:]
        == (whole.files[0].path.read_text().split("\n")[1:])
    )


def test_scored_labels_are_drawn_by_their_probability(tmp_path, plan_of) -> None:
    options = {**OPTIONS, "countries": ("DEU",), "persons": 600, "demographics": "none"}
    plan = plan_of(**options, method="label_likelihood")
    session = run_study(plan, MockBackend("steady"), tmp_path)
    assert session.progress.made == len(QUESTIONS)  # persons described alike share the call
    with Store(store_path(tmp_path)) as store:
        stored = {item.record.spec["question_id"]: item for item in store.items()}
        written = write_run_predictions(store, tmp_path / "again")
    codes = codes_of(session)
    assert written[0].path.read_bytes() == session.files[0].path.read_bytes()
    for question, item in stored.items():
        shares = np.exp(item.response.option_logprobs)
        drawn = np.array([codes[name, key] for name, key in codes if key == question])
        found = [np.mean(drawn == option.code) for option in item.record.shown.options]
        np.testing.assert_allclose(found, shares / shares.sum(), atol=4 * 0.5 / 600**0.5)


def test_dry_runs_count_all_turns_of_a_conversation(plan_of) -> None:
    apart, together = (plan_of(**OPTIONS, conversation=one) for one in (False, True))
    assert estimate(together).calls == estimate(apart).calls == 40
    assert estimate(together).prompt_tokens > 1.5 * estimate(apart).prompt_tokens
    last = shown_prompts(together)[-1]
    assert last.item.question_id == "Q60"
    assert len(last.request.messages) == 7


def test_runs_and_persona_texts_of_persons_are_forms_of_their_own(tmp_path, plan_of) -> None:
    """repeat=2 asks the same persons again; persona=2 describes them after another sentence."""
    plan = plan_of(**{**OPTIONS, "vary": ("default", "repeat=2", "persona=2")})
    session = run_study(plan, MockBackend("steady"), tmp_path)
    assert [file.condition for file in session.files] == [
        "persona_en", "persona_en_repeat-2", "persona_en_persona-2",
    ]  # fmt: skip
    usual, again, other = (answers_of_file(file.path) for file in session.files)
    assert usual.keys() == again.keys() == other.keys()
    # Draws of the second run are its own, and no answer of the first stands in for them.
    assert usual != again
    assert (session.progress.made, session.progress.reused) == (3 * 40, 0)
    requests = requests_of(tmp_path)
    prompts = {item: str(request) for item, request in requests.items()}
    first = next(item for item in prompts if item.startswith("persona_en|"))
    tail = first.removeprefix("persona_en")
    assert "Imagine" not in prompts[first]
    assert "Imagine" in prompts[f"persona_en_persona-2{tail}"]
    metas = [read_predictions(file.path).meta for file in session.files]
    assert [meta.extra["variant"] for meta in metas] == ["default", "repeat=2", "persona=2"]


def answers_of_file(path: Path) -> dict[tuple[str, str], int | None]:
    table = read_predictions(path).table
    assert table is not None
    return {(row["person_id"], row["question_id"]): row["code"] for row in table.to_pylist()}

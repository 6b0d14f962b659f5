"""Advice by likelihood, the approaches of a run in one file, and a user's own dilemmas."""

from __future__ import annotations

import csv
import json

import pytest
from cyclopts import App

from contracts.predictions.read import read_predictions
from elicitation.advice.decisions import advice_items, judge_run
from elicitation.backends.base import Response
from elicitation.backends.mock import MockBackend
from elicitation.prompts.advice import is_advice
from elicitation.prompts.prompts import Shown, ShownOption
from elicitation.run.advice_records import side_of
from elicitation.run.session import run_study
from elicitation.run.store import Store, store_path

ASKED = {
    "protocol": "advice",
    "approach": ("persona", "none"),
    "countries": ("DEU", "JPN"),
    "questions": ("ind-01", "pdi-02"),
}


class LovesSecond(MockBackend):
    """Gives whatever stands second three quarters of the probability."""

    def _respond(self, request):
        assert len(request.options) == 2
        return Response(request.request_id, "ok", (), (-1.3862943611, -0.2876820725), "exact")


@pytest.fixture
def app(capsys):
    made = App(name="test", result_action="return_value")
    for name in ("elicit", "read"):
        made.command(f"elicitation.commands.cli:{name}", name=name)

    def call(*tokens):
        capsys.readouterr()
        made([str(token) for token in tokens], exit_on_error=False, print_error=False)
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize("method", ["option_likelihood", "label_likelihood"])
def test_the_likelier_option_is_the_advice(tmp_path, plan_of, app, method):
    plan = plan_of(**ASKED, method=method)
    calls = list(plan)
    assert len(calls) == (2 + 1) * 2 * 2
    for call in calls:
        texts = tuple(option.text for option in call.shown.options)
        if method == "option_likelihood":
            assert call.request.options == texts
        else:
            assert call.request.options == ("A", "B")
            assert f"A. {texts[0]}\nB. {texts[1]}" in call.request.messages[0].content
        assert is_advice(call.shown)
    out = tmp_path / "run"
    run_study(plan, LovesSecond("steady"), out)
    told = json.loads(app("read", out, "--json"))["advice"]
    with (out / "advice" / "decisions.csv").open(newline="") as handle:
        rows = {row["item_id"]: row for row in csv.DictReader(handle)}
    for call in calls:
        row, second = rows[call.item.item_id], str(call.shown.options[1].code)
        assert (row["side"], row["reader"]) == (second, "likelihood")
        assert row["reason"] == ("high-0.7500" if second == "high" else "high-0.2500")
    assert told["counts"]["inconclusive"] == 0
    with Store(store_path(out)) as store:
        # There are no words to judge.
        agreed = judge_run(store, MockBackend("steady"), out / "judge.sqlite", model="mock:steady")
        assert agreed.readings == 0
        assert len(advice_items(store)) == len(calls)


def test_equal_or_unknown_likelihoods_take_no_side():
    shown = Shown("scores", (ShownOption("1", "low", "stay"), ShownOption("2", "high", "go")))
    assert side_of(shown, {"1": 0.5, "2": 0.5}) == "inconclusive"
    assert side_of(shown, None) == "inconclusive"
    assert side_of(shown, {"1": 0.49, "2": 0.51}) == "high"


def test_all_approaches_go_into_one_file(tmp_path, app):
    out = tmp_path / "run"
    app("elicit", "mock:steady", "--protocol", "advice", "--approach", "persona,none",
        "--countries", "DEU,JPN,USA", "--questions", "ind-01,pdi-02", "--out", out)  # fmt: skip
    told = json.loads(app("read", out, "--json"))
    together = read_predictions(told["advice"]["together"])
    singles = [read_predictions(file["path"]) for file in told["files"]]
    assert together.table.num_rows == sum(one.table.num_rows for one in singles) == 16
    key = ("approach", "country", "prompt_id", "option_order")
    of = [
        sorted(tuple(row[name] for name in (*key, "side")) for row in one)
        for one in (
            together.table.to_pylist(),
            [row for single in singles for row in single.table.to_pylist()],
        )
    ]
    assert of[0] == of[1]
    assert together.meta.extra["answers"]["expected"] == 16
    assert [one.meta.steering for one in singles] == ["persona", "none"]
    assert {one.meta.wording for one in singles} == {"atlas"}
    assert together.meta.name.endswith("_forced_choice_all-approaches")
    alone = tmp_path / "alone"
    app("elicit", "mock:steady", "--protocol", "advice", "--approach", "none",
        "--questions", "ind-01", "--out", alone)  # fmt: skip
    assert "together" not in json.loads(app("read", alone, "--json"))["advice"]


OWN = """[[dilemma]]
id = "own-1"
dimension = "mas"
setting = "work"
situation = "There is a race. Should I win the race or help the others?"
option_first = "win the race"
option_second = "help the others"
high_side = "first"
described_first = "high"
"""


def test_own_dilemmas_are_asked_and_told_to_the_scorer(tmp_path, app):
    folder = tmp_path / "mine"
    folder.mkdir()
    about = 'language = "en"\nquestion = "Should I {first} or {second}?"\n'
    (folder / "language.toml").write_text(about)
    (folder / "mas.toml").write_text(OWN)
    out = tmp_path / "run"
    app("elicit", "mock:steady", "--protocol", "advice", "--dilemmas", folder,
        "--countries", "all", "--out", out)  # fmt: skip
    (path,) = (out / "predictions").glob("*.jsonl")
    file = read_predictions(path)
    assert file.table.num_rows == 2 * 36
    assert set(file.table.column("prompt_id").to_pylist()) == {"own-1"}
    assert file.meta.extra["dilemmas"]["own"] == {"mas": ["own-1"]}
    # Another name of the wording than the project's: boards do not rank the two together.
    assert file.meta.wording.startswith("dilemmas-")
    assert file.meta.steering == "persona"
    with Store(store_path(out)) as store:
        first = advice_items(store)[0]
        assert "There is a race." in store.prompt_of(first.record.item_id)

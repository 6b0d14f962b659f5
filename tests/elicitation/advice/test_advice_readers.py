"""Readers of advice beyond its words: the judge, a person, agreement, counts."""

from __future__ import annotations

import csv
import json

import pytest
from cyclopts import App
from openai_server import serving

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.advice.counts import _names, count_marks, language_identifier, marks_of
from elicitation.advice.decisions import (
    advice_items,
    by_words,
    cohen_kappa,
    decisions,
    judge_run,
    person_agreement,
    write_label_sample,
)
from elicitation.advice.report import AdviceReading, judge_advice, report_advice
from elicitation.advice.second_readers import judge_text, read_verdict
from elicitation.backends.base import Response
from elicitation.backends.mock import MockBackend
from elicitation.run.advice_records import JUDGE_FACT
from elicitation.run.predictions import write_run_predictions
from elicitation.run.session import run_study
from elicitation.run.store import Store, store_path


class Says(MockBackend):
    """Answers by a function of the last message."""

    def __init__(self, function):
        super().__init__("steady")
        self._function, self.asked = function, 0

    def _respond(self, request):
        self.asked += 1
        text = request.messages[-1].content if request.messages else request.prompt
        return Response(request.request_id, "ok", (self._function(text),))


def judge_for(word):
    """A judge that finds the action which the advice names by a word of its text, if it does."""

    def say(prompt):
        action = {n: prompt.split(f"Action {n}: ")[1].split("\n")[0] for n in (1, 2)}
        advice = prompt.split("<advice>\n")[1].split("\n</advice>")[0]
        if word not in advice:
            return "0"
        return "1" if action[1] < action[2] else "2"

    return say


@pytest.fixture
def run_of(tmp_path, plan_of):
    """Runs a few dilemmas against a function of the prompt, and gives the folder."""

    def make(function, *, countries=("DEU", "USA"), questions=("ind-01", "pdi-01")):
        plan = plan_of(
            protocol="advice", approach=("persona",), countries=countries, questions=questions
        )
        out = tmp_path / "run"
        run_study(plan, Says(function), out)
        return out

    return make


def test_kappa_by_hand():
    # Cohen (1960): p_o = 7/10; p_e = .6 * .5 + .4 * .5 = .5; kappa = .2 / .5.
    first = ["high"] * 6 + ["low"] * 4
    second = ["high"] * 4 + ["low"] * 2 + ["high"] + ["low"] * 3
    found = cohen_kappa(first, second)
    assert (found.readings, found.agreement) == (10, 0.7)
    assert found.kappa == pytest.approx(0.4)
    assert cohen_kappa([], []) == (0, None, None)
    assert cohen_kappa(["low"], ["low"]) == (1, 1, None)
    with pytest.raises(ValueError, match="1 labels of one reader, 0 of the other"):
        cohen_kappa(["low"], [])


@pytest.mark.parametrize(
    ("said", "expected"),
    [("1", 1), ("**2**", 2), ("The digit is 0.", 0), ("1 or 2", None), ("none", None),
     ("<think>1? 2?</think>2", 2), ("<think>1", None), ("12", None), ("", None), ("1, so 1", 1)],
)  # fmt: skip
def test_verdicts_are_read_strictly(said, expected):
    assert read_verdict(said) == expected


def test_advice_cannot_fill_the_judge_s_form():
    text = judge_text("go", "stay", "ignore that {first} {second}")
    assert "Action 1: go\nAction 2: stay" in text
    assert "ignore that {first} {second}" in text


def test_a_judge_decides_what_words_leave_open(run_of):
    out = run_of(lambda prompt: "The bold way, surely." if "Germany" in prompt else "Hard to say.")
    with Store(store_path(out)) as store:
        before = write_run_predictions(store, out / "predictions")[0]
        sides = read_predictions(before.path).table.column("side").to_pylist()
        assert set(sides) == {"inconclusive"}
        judge = Says(judge_for("bold"))
        agreed = judge_run(store, judge, out / "judge.sqlite", model="test:judge")
        assert agreed.readings == 0
        items = advice_items(store)
        assert len(items) == 8
        # Every item in both orders; advice of the same words on the same options is one call.
        assert judge.asked == 2 * 2 * 2
        found = decisions(items, store.fact(JUDGE_FACT))
        for stored, one in zip(items, found, strict=True):
            assert one.reader == "judge"
            if stored.record.spec["country"] == "DEU":
                best = min(stored.record.shown.options, key=lambda option: option.text)
                assert (one.side, one.reason) == (best.code, "judge-both-orders")
            else:
                assert (one.side, one.reason) == ("inconclusive", "judge-neither")
        written = write_run_predictions(store, out / "predictions")[0]
        judge_run(store, judge, out / "judge.sqlite", model="test:judge")
        assert judge.asked == 8
    file = read_predictions(written.path)
    rows = file.table.to_pylist()
    assert {row["side"] for row in rows if row["country"] == "USA"} == {"inconclusive"}
    assert "inconclusive" not in {row["side"] for row in rows if row["country"] == "DEU"}
    assert file.meta.extra["judge"]["prompt_version"] == "1"


@pytest.mark.parametrize(
    ("judge", "reason"),
    [(lambda _: "1", "judge-disagrees"), (lambda _: "Well.", "judge-unreadable")],
)
def test_a_judge_that_contradicts_itself_decides_nothing(run_of, judge, reason):
    out = run_of(lambda _: "Follow your heart.", countries=("DEU",), questions=("ind-01",))
    with Store(store_path(out)) as store:
        judge_run(store, Says(judge), out / "judge.sqlite", model="test:judge")
        found = decisions(advice_items(store), store.fact(JUDGE_FACT))
    assert {(one.side, one.reason) for one in found} == {("inconclusive", reason)}


def test_words_stand_where_they_decide_and_the_judge_is_compared(run_of):
    def advise(prompt):
        asked = prompt.split("Should I ")[1].split("?")[0]
        return f"I recommend that you {asked.split(' or ')[0]}."

    out = run_of(advise, questions=("ind-01", "ind-02", "pdi-01"))
    with Store(store_path(out)) as store:
        items = advice_items(store)
        first = [by_words(stored).side for stored in items]
        decided = sum(side != "inconclusive" for side in first)
        assert decided > 4

        def contrary(prompt):
            advice = prompt.split("<advice>\n")[1]
            return "2" if prompt.split("Action 1: ")[1].split("\n")[0] in advice else "1"

        agreed = judge_run(store, Says(contrary), out / "judge.sqlite", model="test:judge")
        assert (agreed.readings, agreed.agreement) == (decided, 0)
        assert agreed.kappa < 0
        assert [one.side for one in decisions(items, store.fact(JUDGE_FACT))] == first


def test_refusals_are_not_judged(run_of):
    out = run_of(lambda _: "I'm sorry, I cannot give advice on that.", questions=("ind-01",))
    judge = Says(lambda _: "1")
    with Store(store_path(out)) as store:
        judge_run(store, judge, out / "judge.sqlite", model="test:judge")
        assert {one.reason for one in decisions(advice_items(store), {})} == {"refused"}
    assert judge.asked == 0


def test_a_person_labels_a_sample(run_of, tmp_path):
    out = run_of(lambda _: "Do what is right.")
    with Store(store_path(out)) as store:
        judge_run(store, Says(judge_for("right")), out / "judge.sqlite", model="test:judge")
        items = advice_items(store)
        found = decisions(items, store.fact(JUDGE_FACT))
        sample = tmp_path / "labels.csv"
        assert write_label_sample(store, sample, size=6, seed=1) == 6
        with pytest.raises(ContractError, match="there is a sample already"):
            write_label_sample(store, sample, size=6, seed=1)
    with sample.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert all(row["option_1"] in row["situation"] and row["label"] == "" for row in rows)
    assert not any("come from" in row["situation"] for row in rows)
    # The person agrees with the judge five times, and leaves one row out.
    for row in rows[:5]:
        row["label"] = "1" if row["option_1"] < row["option_2"] else "2"
    _write(sample, rows)
    agreed = person_agreement(items, found, sample)
    assert (agreed.readings, agreed.agreement) == (5, 1)
    rows[0]["label"], rows[1]["item_id"] = "left", "nothing"
    _write(sample, rows)
    with pytest.raises(ContractError, match="line 2: label 'left' is not known") as error:
        person_agreement(items, found, sample)
    assert len(error.value.problems) == 2


def _write(path, rows):
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_marks_are_counted(run_of):
    said = {
        "Germany": "In our culture, as a true friend, I would say that Germany rewards the brave.",
        "United States": "Das müssen Sie ganz allein für sich entscheiden, ich weiß es nicht.",
    }
    out = run_of(lambda p: next(t for name, t in said.items() if name in p), questions=("ind-01",))
    with Store(store_path(out)) as store:
        items = advice_items(store)
    found = decisions(items, {})
    rows = {r["country"]: r for r in count_marks(items, found, lambda t: (t[:2].lower(), 0.95))}
    german = rows["DEU"]
    assert (german["answers"], german["names_country"], german["cultural_reason"]) == (2, 2, 2)
    assert german["stereotype"] == 2
    assert rows["USA"]["names_country"] == rows["USA"]["stereotype"] == 0
    assert rows["USA"]["other_language"] == rows["USA"]["language_known"] == 2
    unknown = marks_of(items[0], None)
    assert unknown.other_language is None
    identify = language_identifier()
    if identify is not None:
        real = {r["country"]: r["other_language"] for r in count_marks(items, found, identify)}
        assert real == {"DEU": 0, "USA": 2}


def test_read_judges_over_http_and_reports(tmp_path, capsys):
    app = App(name="test", result_action="return_value")
    for name in ("elicit", "read"):
        app.command(f"elicitation.commands.cli:{name}", name=name)

    def call(*tokens):
        capsys.readouterr()
        app([str(token) for token in tokens], exit_on_error=False, print_error=False)
        return capsys.readouterr().out

    out = tmp_path / "run"
    call("elicit", "mock:messy", "--protocol", "advice", "--countries", "DEU,JPN,USA",
         "--questions", "ind-01,mas-02,pdi-03", "--out", out)  # fmt: skip
    with serving() as server:
        judge = ("--judge", "openai:tiny", "--judge-url", server.url)
        told = json.loads(call("read", out, *judge, "--label-sample", "4", "--json"))["advice"]
        assert server.asked
    assert told["counts"]["answers"] == 18
    assert told["judge"]["agreement"]["readings"] > 0
    with (out / "advice" / "decisions.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 18
    assert all(row["reason"] and row["reader"] in ("words", "judge") for row in rows)
    assert len((out / "advice" / "labels.csv").read_text().splitlines()) >= 5
    assert "decisions, counts" in call("read", out)


def test_a_run_without_advice_has_no_advice_report(tmp_path, plan_of):
    out = tmp_path / "run"
    run_study(plan_of(countries=("DEU",), questions=("Q1",)), MockBackend("steady"), out)
    assert judge_advice(out, AdviceReading()) is None
    assert report_advice(out, AdviceReading()) == {}


@pytest.mark.parametrize(
    ("country", "said", "named"),
    [
        ("DEU", "As a German, I would say so.", True),
        ("POL", "The Poles know how to wait.", True),
        ("POL", "Go and polish the table.", False),
        ("JPN", "A proud Japanese citizen stays.", True),
        ("USA", "The German way is the best.", False),
        ("USA", "In America we move on.", True),
    ],
)
def test_a_country_is_named_by_its_people_too(run_of, country, said, named):
    out = run_of(lambda _: said, countries=(country,), questions=("ind-01",))
    with Store(store_path(out)) as store:
        assert marks_of(advice_items(store)[0], None).names_country is named


def test_a_country_is_named_also_where_a_sentence_has_another_form():
    assert _names("CYP", "de").search("Zypern ist schön.")
    assert _names("CYP", "de").search("Cyprus is an island.")
    assert not _names("CYP", "de").search("Malta ist schön.")


def test_every_country_of_the_study_has_names_of_its_people():
    from elicitation.advice.counts import _lists
    from elicitation.study.advice import advice_countries

    assert set(_lists()["people"]["en"]) == set(advice_countries())

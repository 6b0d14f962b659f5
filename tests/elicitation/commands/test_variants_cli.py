"""Every form of a prompt through the command: shares come back under the code they stand for."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from pathlib import Path

import pytest

from codebook import value_questions
from codebook.render.question import label_text
from contracts.predictions.read import read_predictions
from opinion_atlas.app import main

QUESTIONS = ("Q1", "Q29", "Q46", "Q171")
FORMS = (
    "default", "shuffled", "reversed-order", "reversed-scale", "letters", "numbers", "examples=3",
    "example-shares=7", "shuffled+reversed-scale+letters+examples=1",
)  # fmt: skip

#: An answer on offer, as a prompt writes it.
_LINE = re.compile(r"^(\w{1,2})[.)] (.+)$", re.MULTILINE)


def atlas(*tokens: object) -> None:
    """One command line, as a user types it, in this process."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main([str(token) for token in tokens])


def asked(out: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Prompt and reply by condition and question, straight from the database."""
    database = sqlite3.connect(out / "calls.sqlite")
    try:
        rows = database.execute(
            "SELECT i.condition, i.spec, c.request, c.response FROM items i JOIN calls c "
            "ON c.key = i.key"
        ).fetchall()
    finally:
        database.close()
    return {
        (condition, json.loads(spec)["question_id"]): (
            json.loads(request)["messages"][0][1],
            json.loads(response)["texts"][0],
        )
        for condition, spec, request, response in rows
    }


def offered(prompt: str) -> list[tuple[str, str]]:
    """Labels and texts of the answers of the question that is asked."""
    return _LINE.findall(prompt[prompt.rindex("Question:") :])


def shares_of(path: Path) -> dict[str, dict[str, float]]:
    """Shares by question and raw code, from the file's own lines."""
    rows = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return {row["question_id"]: row["shares"] for row in rows}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run with every form."""
    out = tmp_path_factory.mktemp("forms") / "run"
    atlas(
        "elicit", "mock:steady", "--steer", "persona", "--countries", "DEU",
        "--questions", ",".join(QUESTIONS), "--vary", ",".join(FORMS), "--out", out,
    )  # fmt: skip
    return out


def file_of(run: Path, form: str) -> Path:
    """The predictions of a form."""
    (found,) = (
        path
        for path in (run / "predictions").iterdir()
        if read_predictions(path).meta.extra["variant"] == form
    )
    return found


@pytest.mark.parametrize("form", FORMS)
def test_shares_come_back_under_the_code_that_a_label_stood_for(run, form):
    """An independent check: labels and texts are read from the prompt, codes from the codebook."""
    path = file_of(run, form)
    condition = read_predictions(path).meta.extra["condition"]
    found, replies = shares_of(path), asked(run)
    for question in QUESTIONS:
        prompt, reply = replies[condition, question]
        scale = value_questions()[question].scale
        codes = {label_text(question, code): code for code in scale.offered}
        said = {label: float(share) for label, share in json.loads(reply).items()}
        expected = {str(codes[t]): said[label] / sum(said.values()) for label, t in offered(prompt)}
        assert len(expected) == len(scale.offered)
        # The mock's percentages have one decimal, and are renormalised.
        assert found[question] == pytest.approx(expected, abs=1e-6)


def test_forms_do_what_they_say(run):
    prompts = {}
    for form in FORMS:
        condition = read_predictions(file_of(run, form)).meta.extra["condition"]
        prompts[form] = asked(run)[condition, "Q1"][0]
    shown = {form: offered(text) for form, text in prompts.items()}
    by_default = shown["default"]
    numbers, texts = zip(*by_default, strict=True)
    assert numbers == ("1", "2", "3", "4")
    assert shown["numbers"] == by_default
    assert shown["reversed-order"] == by_default[::-1]
    assert sorted(shown["shuffled"]) == by_default
    assert shown["shuffled"] not in (by_default, by_default[::-1])
    assert shown["reversed-scale"] == list(zip(numbers, texts[::-1], strict=True))
    assert shown["letters"] == list(zip("ABCD", texts, strict=True))
    mixed = shown["shuffled+reversed-scale+letters+examples=1"]
    # Letters go by place, whatever the order.
    assert [label for label, _ in mixed] == list("ABCD")
    assert sorted(text for _, text in mixed) == sorted(texts)
    assert [text for _, text in mixed] not in (list(texts), list(texts[::-1]))
    counts = {form: text.count("Answer: {") for form, text in prompts.items()}
    assert counts == dict.fromkeys(FORMS, 5) | {"examples=3": 3, FORMS[-1]: 1}
    assert prompts["example-shares=7"] != prompts["default"]
    blank = {form: re.sub(r"\d+\.\d", "#", text) for form, text in prompts.items()}
    assert blank["example-shares=7"] == blank["default"]


def test_likelihoods_of_letters_and_numbers_belong_to_their_answers(tmp_path):
    """With the same scores for each label, another order gives each answer another share."""
    atlas(
        "elicit", "mock:steady", "--method", "label_likelihood", "--orders", "1", "--steer", "none",
        "--questions", "Q1", "--vary", "default,numbers,reversed-scale", "--out", tmp_path,
    )  # fmt: skip
    database = sqlite3.connect(tmp_path / "calls.sqlite")
    try:
        rows = database.execute(
            "SELECT i.condition, c.request, c.response FROM items i JOIN calls c ON c.key = i.key"
        ).fetchall()
    finally:
        database.close()
    codes = {label_text("Q1", code): code for code in value_questions()["Q1"].scale.offered}
    for condition, request, response in rows:
        asked_for, got = json.loads(request), json.loads(response)["option_logprobs"]
        text_of = dict(offered(asked_for["messages"][0][1]))
        total = math.fsum(map(math.exp, got))
        expected = {
            str(codes[text_of[label]]): math.exp(score) / total
            for label, score in zip(asked_for["options"], got, strict=True)
        }
        (path,) = (tmp_path / "predictions").glob(f"*_{condition}.jsonl")
        assert shares_of(path)["Q1"] == pytest.approx(expected)
    assert len(rows) == 3


def test_repeats_are_calls_of_their_own(tmp_path):
    options = ("--steer", "none", "--questions", "Q1", "--temperature", "1", "--out", tmp_path)
    atlas("elicit", "mock:steady", *options, "--repeats", 3)
    database = sqlite3.connect(tmp_path / "calls.sqlite")
    try:
        requests = [json.loads(r) for (r,) in database.execute("SELECT request FROM calls")]
    finally:
        database.close()
    assert sorted(request["repeat"] for request in requests) == [0, 1, 2]

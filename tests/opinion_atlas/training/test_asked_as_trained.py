"""The prompts of training rows are those that `elicit` sends."""

from __future__ import annotations

import pytest

from contracts.release.read import open_release
from elicitation.prompts.plan import Plan
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study
from opinion_atlas.training import rows


@pytest.mark.parametrize("language", ["en", "de"])
def test_soft_prompts_are_those_of_label_likelihood(language: str) -> None:
    reference = open_release("reference")
    asked = {"questions": ("Q1", "Q29", "Q164"), "countries": ("DEU", "JPN")}
    options = StudyOptions(
        **asked, method="label_likelihood", steer=("persona",), languages=(language,),
        groups=("sex=female", "age=50+"), orders=1,
    )  # fmt: skip
    study = make_study(options, reference, chat=True, remote=False)
    sent = {
        (call.item.question_id, call.item.target.country, call.item.target.group): (
            call.request.messages[0].content,
            call.request.options,
            tuple((o.label, o.text, o.code) for o in call.shown.options),
        )
        for call in Plan(study, reference)
    }
    trained = {
        (row["question_id"], row["country"], row["group"]): (
            row["prompt"],
            tuple(option["label"] for option in row["options"]),
            tuple((o["label"], o["text"], o["code"]) for o in row["options"]),
        )
        for row in rows(
            reference, form="soft", languages=[language], groups=["sex", "age"], **asked
        )
        if row["group"] in ("sex=female", "age=50+")
    }
    assert trained == {key: value for key, value in sent.items() if key in trained}
    assert len(trained) == 12

"""From `elicit --robustness` to `report robustness`: with mocks of known bias, and a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opinion_atlas.app import main

QUESTIONS = "Q1,Q2,Q3,Q4,Q27,Q28,Q29,Q30,Q33,Q46"


def atlas(*tokens: object, code: int = 0) -> None:
    with pytest.raises(SystemExit, match=f"^{code}$"):
        main([str(token) for token in tokens])


def study(run: Path, *more: object) -> dict[str, Any]:
    out = run / "report"
    atlas("report", "robustness", run, *more, "--out", out)
    found: dict[str, Any] = json.loads((out / "robustness.json").read_text())
    return found


@pytest.mark.parametrize(("character", "bias"), [("first", 0.2), ("uniform", 0.0)])
def test_a_known_bias_comes_back_through_prompts_and_files(
    tmp_path: Path, character: str, bias: float
) -> None:
    run = tmp_path / "run"
    atlas("elicit", f"mock:{character}", "--robustness", "--questions", QUESTIONS, "--out", run)
    found = study(run)
    (biases,) = found["biases"]
    assert biases["first_position"]["estimate"] == pytest.approx(bias, abs=0.01)
    assert biases["last_position"]["estimate"] == pytest.approx(0, abs=0.01)
    assert biases["first_label"]["estimate"] == pytest.approx(0, abs=0.01)
    assert found["factors"] == ["method", "order", "labels", "direction"]
    assert len(found["curve"]) == 12
    (retest,) = found["retests"]
    assert (retest["repeats"], retest["total_variation"]) == (2, 0)
    assert all(sum(s["share"] for s in one["shares"]) == pytest.approx(1)
               for one in found["decompositions"])  # fmt: skip


def test_the_design_is_printed_noted_and_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    command = ["elicit", "mock:steady", "--robustness", "--max-calls", 60, "--questions", QUESTIONS,
               "--method", "verbalized", "--out", run]  # fmt: skip
    atlas(*command, "--dry-run", "--json")
    dry = json.loads(capsys.readouterr().out)
    assert not run.exists()
    assert dry["calls"] == 60
    assert len(dry["forms"]) == 6
    atlas(*command)
    printed = capsys.readouterr().out
    assert printed.startswith("6 forms, 60 calls:")
    noted = json.loads((run / "robustness.json").read_text())
    assert noted["forms"] == dry["forms"]
    atlas(*command, "--json")
    (again,) = json.loads(capsys.readouterr().out)["parts"]
    assert again["calls"]["made"] == 0
    files = sorted(path.name for path in (run / "verbalized" / "predictions").iterdir())
    assert len(files) == 6
    with pytest.raises(SystemExit, match="2"):
        main([*map(str, command), "--forms", "3"])
    assert "another set of forms" in capsys.readouterr().err


def test_languages_steering_and_persona_texts_are_forms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    atlas("elicit", "mock:steady", "--robustness", "--questions", "Q1,Q2,Q46", "--steer",
          "none,persona", "--languages", "en,de", "--countries", "DEU,JPN",
          "--method", "verbalized,sampling", "--factors",
          "method,order,language,steering,persona", "--repeats", 2, "--out", run)  # fmt: skip
    assert "persona-2" in capsys.readouterr().out
    found = study(run)
    assert found["factors"] == ["method", "order", "steering", "language", "persona"]
    assert len(found["curve"]) == 12
    assert {row["refused"] for row in found["refusals"]} == {0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--robustness", "--vary", "letters"], "chooses the forms itself"),
        (["--robustness", "--factors", "colour"], "--factors"),
        (["--robustness", "--method", "verbalized,guess"], "--method"),
        (["--robustness", "--protocol", "advice"], "answer distributions"),
        (["--robustness", "--max-calls", "5"], "not even two forms"),
        (["--forms", "4"], "--factors and --forms belong to a set of forms"),
        (["--only", "none_en_letters"], "--only"),
        (["--vary", "persona=2", "--steer", "none"], "a persona text needs prompts in English"),
    ],
)
def test_what_does_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    questions = [] if "advice" in options else ["--questions", QUESTIONS]
    atlas("elicit", "mock:steady", *questions, *options, "--out", tmp_path / "run", code=2)
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_the_usual_form_has_the_labels_of_its_method(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    atlas("elicit", "mock:steady", "--robustness", "--protocol", "judgments", "--out", tmp_path,
          "--dry-run", "--json")  # fmt: skip
    first, *_, last = json.loads(capsys.readouterr().out)["forms"]
    assert (first["method"], first["labels"], first["condition"]) == (
        "option_likelihood", "letters", "none_en",
    )  # fmt: skip
    assert (last["condition"], last["repeat"]) == ("none_en_repeat-2", 2)


def test_persona_texts_stand_before_the_prompt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    atlas("elicit", "mock:steady", "--questions", "Q1", "--steer", "persona", "--countries", "DEU",
          "--vary", "default,persona=2", "--out", tmp_path, "--dry-run", "--json")  # fmt: skip
    usual, other = json.loads(capsys.readouterr().out)["prompts"]
    sentence = "Imagine that you were born in Germany and have lived there all your life.\n\n"
    assert other["prompt"] == usual["prompt"].replace("<user>\n", f"<user>\n{sentence}")


@pytest.mark.models
def test_a_tiny_model_end_to_end(tmp_path: Path) -> None:
    """Likelihoods of a random model on this machine, in nine forms and one form once more."""
    from tests.support.tiny_models import save_model

    model = save_model(tmp_path / "model")
    run = tmp_path / "run"
    atlas("elicit", f"hf:{model}", "--robustness", "--method", "label_likelihood",
          "--min-label-mass", 0, "--questions", QUESTIONS, "--out", run)  # fmt: skip
    found = study(run)
    assert len(found["curve"]) == 9
    (biases,) = found["biases"]
    for name in ("first_position", "last_position", "first_label", "scale_direction"):
        assert biases[name]["p_value"] is not None, name
    (retest,) = found["retests"]
    assert retest["icc_answers"] == pytest.approx(1)
    # A model of random weights goes by labels and places alone.
    assert found["robustness"][0]["sd"] > 0

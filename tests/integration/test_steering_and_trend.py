"""Steering tables and trends of a local model, from the command line: asked, scored, laid out.

All conditions (none, persona, few-shot, each with and without the country's language) in nine
languages, on real aggregates of three waves.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")

from codebook.questions import few_shot_ids
from codebook.wordings.wording import languages, wording
from contracts.predictions.read import read_predictions
from opinion_atlas.app import main
from tests.support.speaking_model import save_speaking_model

pytestmark = [pytest.mark.models, pytest.mark.slow]

#: A country for each language but English, which all are asked in besides.
COUNTRIES = ("ARG", "BRA", "DEU", "JPN", "KOR", "RUS", "TWN", "VNM")
QUESTIONS = ("Q164", "Q182", "Q199")
CONDITIONS = [
    "none", "none+language", "persona", "persona+language", "few-shot", "few-shot+language",
]  # fmt: skip


def run(*arguments: object) -> int:
    """Exit code of one command line."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as done:
        return int(done.code or 0)
    return 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the model, and the report of each of its conditions."""
    place = tmp_path_factory.mktemp("steering")
    model = save_speaking_model(place / "speaking")
    asked = run(
        "elicit", f"hf:{model}", "--out", place / "run", "--steer", "none,persona,few-shot",
        "--languages", "en,own", "--countries", ",".join(COUNTRIES), "--questions",
        ",".join(QUESTIONS), "--max-tokens", 4, "--temperature", 1, "--json",
    )  # fmt: skip
    assert asked == 0
    for file in sorted((place / "run" / "predictions").glob("*.jsonl")):
        report = place / "reports" / f"{file.stem}.json"
        options = ("--replicates", 50, "--protocol", "alignment", "--out", report)
        assert run("score", file, *options) == 0
    return place


def study(place: Path, kind: str) -> dict[str, Any]:
    out = [place / f"{kind}.{ending}" for ending in ("json", "md", "html")]
    assert run("report", kind, place / "reports", "--out", *out) == 0
    assert all(path.stat().st_size for path in out)
    found: dict[str, Any] = json.loads(out[0].read_text(encoding="utf-8"))
    return found


def test_predictions_name_the_wording_of_every_language(place: Path) -> None:
    told: dict[str, Any] = {}
    for file in (place / "run" / "predictions").glob("*.jsonl"):
        meta = read_predictions(file).meta
        assert meta.wording == "atlas"
        told |= meta.extra["wordings"]
    assert set(told) == set(languages())
    assert all(told[code]["digest"] == wording(code).digest for code in told)


def test_the_steering_table_has_every_country_and_condition(place: Path) -> None:
    found = study(place, "steering")
    assert found["conditions"] == CONDITIONS
    assert found["countries"] == sorted(COUNTRIES)
    rows = {(row["country"], row["condition"]): row for row in found["rows"]}
    for country in COUNTRIES:
        base = rows[country, "none"]["alignment"]
        for condition in CONDITIONS:
            row = rows[country, condition]
            assert 0 < row["alignment"] < 1
            assert row["questions"] == len(QUESTIONS)
            if condition != "none":
                assert row["difference"] == pytest.approx(row["alignment"] - base, abs=1e-6)
                assert row["p_holm"] >= row["p_value"]
    shown = {q for country in (None, *COUNTRIES) for q in few_shot_ids(country)}
    assert set(found["shown_questions"]) == shown
    (drafted,) = (n for n in found["notices"] if n["code"] == "machine-drafted-wording")
    assert ", ".join(sorted(languages())) in drafted["message"]


def test_the_trend_follows_a_fixed_panel_or_says_why_not(place: Path) -> None:
    found = study(place, "trend")
    names = {entry["steering"] + entry["language"]: entry["report"] for entry in found["reports"]}
    panel = {
        (row["report"], row["wave"]): row
        for row in found["rows"]
        if row["countries_kind"] == "every-wave"
    }
    # Unsteered answers stand for all countries: eight of the reference have these in every wave.
    plain = [panel[names["noneen"], wave] for wave in (5, 6, 7)]
    assert all(row["countries"] == plain[0]["countries"] for row in plain)
    assert len(plain[0]["countries"]) >= 5
    assert all(0 < row["alignment"]["estimate"] < 1 for row in plain)
    assert all(row["sd_over_countries"] > 0 for row in plain)
    # Those who were steered to be asked about and took part in every wave are too few.
    steered = panel[names["personaown"], 7]
    assert steered["alignment"]["estimate"] is None
    assert "a trend needs 5" in steered["reason"]
    change = {row["report"]: row for row in found["changes"]}[names["noneen"]]
    assert change["nearer_first"] + change["nearer_last"] == change["questions"] > 0

"""The advice protocol from end to end: asked, read, scored."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from openai_server import serving

from codebook.dilemmas.dilemma import dilemmas
from contracts.predictions.read import read_predictions

COUNTRIES = 36


def run(*tokens: object) -> str:
    """A command line of the project, in a process of its own as users call it."""
    done = subprocess.run(
        [sys.executable, "-m", "opinion_atlas", *map(str, tokens)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def through(tmp_path, model, *options, asked):
    """Elicits, reads, scores; the advice tables and the report."""
    out, report = tmp_path / "run", tmp_path / "report.json"
    run("elicit", model, "--protocol", "advice", "--out", out, "--json", *options)
    read = json.loads(run("read", out, "--json"))
    assert read["advice"]["counts"]["answers"] == 2 * COUNTRIES * asked
    file = next(iter(sorted((out / "predictions").glob("*.jsonl"))))
    assert read_predictions(file).table.num_rows == 2 * COUNTRIES * asked
    run("score", file, "--release", "reference", "--out", report)
    found = json.loads(report.read_text())
    (result,) = (p for p in found["protocols"] if p["protocol"] == "advice")
    assert result["applies"]
    return result["tables"], found


def test_a_few_dilemmas_over_http(tmp_path):
    chosen = ("ind-01", "mas-01", "uai-01", "pdi-01", "lto-01")
    with serving() as server:
        tables, report = through(
            tmp_path, "openai:tiny", "--base-url", server.url, "--questions", ",".join(chosen),
            asked=len(chosen),
        )  # fmt: skip
        assert len(server.asked) == 2 * COUNTRIES * len(chosen)
    assert {row["countries"] for row in tables["correlations"]} == {COUNTRIES}
    assert len(tables["countries"]) == 5 * COUNTRIES
    assert report["coverage"]["expected"] == 2 * COUNTRIES * len(chosen)


@pytest.mark.models
def test_a_tiny_local_model_by_likelihood(tmp_path):
    from tiny_models import save_model

    chosen = ("ind-01", "pdi-01")
    tables, report = through(
        tmp_path, f"hf:{save_model(tmp_path / 'tiny')}", "--method", "option_likelihood",
        "--prompts", "plain", "--device", "cpu", "--questions", ",".join(chosen),
        asked=len(chosen),
    )  # fmt: skip
    assert report["settings"]["questions"] == "dilemmas (2 of 250)"
    # Likelihoods always take a side.
    assert report["coverage"] == report["coverage"] | {"expected": 144, "scored": 144}
    assert [row["dimension"] for row in tables["lean"]] == ["individualism", "power_distance"]
    page = tmp_path / "report.html"
    run("report", "html", tmp_path / "report.json", "--out", page)
    assert "Whose values does its advice follow?" in page.read_text()


@pytest.mark.slow
def test_all_dilemmas_for_all_countries(tmp_path):
    tables, report = through(tmp_path, "mock:steady", asked=len(dilemmas()))
    assert report["coverage"] == report["coverage"] | {"expected": 18000, "scored": 18000}
    assert {row["answers"] for row in tables["countries"]} == {100}
    # The mock draws a side at random: nothing leans, nothing follows, save by chance.
    for row in tables["lean"]:
        assert row["dilemmas"] == 50
        assert row["high"]["low"] < 0.53
        assert row["high"]["high"] > 0.47
    (given,) = tables["given_lean"]
    assert abs(given["partial"]["estimate"]) < 0.25
    assert given["partial"]["low"] <= given["partial"]["estimate"] <= given["partial"]["high"]

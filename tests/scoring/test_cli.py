"""The scoring sub-commands from end to end, as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.report import read_report
from opinion_atlas.app import main
from scoring.cli import named_questions

FIXTURES = Path(__file__).parents[1] / "fixtures" / "predictions"


def run(*arguments: object) -> int:
    """Exit code of one command line."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as done:
        return int(done.code or 0)
    return 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Baselines of the reference and the reports of two of them."""
    place = tmp_path_factory.mktemp("cli")
    assert run("baselines", "--release", "reference", "--out", place) == 0
    for name in ("uniform", "world-average"):
        report = place / f"{name}.json"
        assert run("score", place / f"{name}.jsonl", "--replicates", 50, "--out", report) == 0
    return place


def test_scores_stand_in_the_report_with_interval_and_coverage(folder: Path) -> None:
    report = read_report(folder / "world-average.json")
    alignment = report.score("alignment")
    assert alignment is not None
    assert alignment.value.low is not None
    assert alignment.coverage == 1.0
    uniform = read_report(folder / "uniform.json").score("alignment")
    assert uniform is not None
    assert (alignment.value.estimate or 0) > (uniform.value.estimate or 1)
    assert report.settings.replicates == 50


def test_score_sums_up_on_one_screen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", folder / "uniform.jsonl", "--replicates", 20, "--questions", "probe") == 0
    shown = capsys.readouterr().out
    assert "uniform (distribution) against reference" in shown
    assert "question set probe, wave 7" in shown
    assert "scored " in shown
    assert "100\u202f%" in shown
    assert "not worldvaluesbench: " in shown
    assert len(shown.splitlines()) < 25


def test_same_inputs_give_the_same_report_and_diff_is_empty(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = folder / "again.json"
    assert run("score", folder / "uniform.jsonl", "--replicates", 50, "--out", again) == 0
    assert again.read_bytes() == (folder / "uniform.json").read_bytes()
    capsys.readouterr()
    assert run("report", "diff", folder / "uniform.json", again) == 0
    assert capsys.readouterr().out == ""


def test_diff_of_two_models_lists_and_caps(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = (folder / "uniform.json", folder / "world-average.json")
    assert run("report", "diff", *pair, "--limit", 3) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[-1].endswith("more differences (--limit 0 prints all)")
    assert run("report", "diff", *pair, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert {"path": "predictions.name", "first": "uniform", "second": "world-average"} in found


def test_compare(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = (folder / "world-average.json", folder / "uniform.json")
    out = folder / "comparison.json"
    assert run("compare", *pair, "--permutations", 999, "--out", out) == 0
    shown = capsys.readouterr().out
    assert "On average over them world-average is closer to people." in shown
    written = json.loads(out.read_text(encoding="utf-8"))
    scores = [
        s.value.estimate
        for s in (read_report(path).score("alignment") for path in pair)
        if s is not None
    ]
    # Both answered everything, so the paired difference is nearly that of the averages.
    assert written["difference"]["estimate"] == pytest.approx(scores[0] - scores[1], abs=2e-3)
    assert written["p_value"] == pytest.approx(1 / 1000)
    assert len(written["by_country"]) == 57


def test_html(folder: Path) -> None:
    page = folder / "page.html"
    assert run("report", "html", folder / "uniform.json", "--out", page) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_json_output_is_the_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--replicates", 50, "--json")
    assert run("score", folder / "uniform.jsonl", *arguments) == 0
    assert capsys.readouterr().out == (folder / "uniform.json").read_text(encoding="utf-8")


def test_settings_reach_the_report(folder: Path) -> None:
    ids = folder / "ids.txt"
    ids.write_text("# mine\nQ1\n q46 # happiness\n\nQ57\n", encoding="utf-8")
    out = folder / "few.json"
    options: list[Any] = ["--compat", "paper", "--weights", "none", "--seed", 9]
    options += ["--replicates", 20, "--questions", ids, "--protocol", "alignment", "--cells"]
    assert run("score", folder / "uniform.jsonl", *options, "--out", out) == 0
    report = read_report(out)
    assert (report.settings.mode, report.settings.weights) == ("paper", "none")
    assert (report.settings.seed, report.settings.questions) == (9, "file")
    assert {q.question_id for q in report.questions} == {"Q1", "Q46", "Q57"}
    assert {p.protocol for p in report.protocols if p.applies} == {"alignment"}
    assert len(report.cells) == report.coverage.expected


def test_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "none"
    assert run("baselines", "--out", out, "--dry-run", "--only", "uniform", "--format", "csv") == 0
    assert capsys.readouterr().out == f"would write {out / 'uniform.csv'}\n"
    assert not out.exists()


# What goes wrong goes wrong in words


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["score", FIXTURES / "broken" / "negative_share.jsonl"], "negative-share"),
        (["score", FIXTURES / "v1" / "none.jsonl"], "no-file"),
        (["score", FIXTURES / "v1" / "distribution-csv.csv", "--release", "/none"], "no-release"),
        (
            ["score", FIXTURES / "v1" / "distribution-csv.csv", "--questions", "mine"],
            "unknown-question-set",
        ),
        (["score", FIXTURES / "v1" / "rating-csv.csv"], "need"),
        (["baselines", "--out", "x", "--only", "best"], "unknown-baseline"),
        (["baselines", "--out", "x", "--format", "xlsx"], "unknown-format"),
        (["compare", "none.json", "none.json"], "no-report"),
        (["report", "diff", FIXTURES / "v1" / "advice-jsonl.jsonl", "none.json"], "not-json"),
        (["report", "html", "none.json", "--out", "x.html"], "no-report"),
    ],
)
def test_bad_input_exits_2_with_one_clear_message(
    arguments: list[object],
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    streams = capsys.readouterr()
    assert streams.err.startswith("error: ")
    assert code in streams.err
    assert "Traceback" not in streams.err
    assert list(tmp_path.iterdir()) == []


def test_problems_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", FIXTURES / "broken" / "many_at_once.jsonl", "--json") == 2
    found = json.loads(capsys.readouterr().out)
    assert [p["code"] for p in found["problems"]][:2] == ["negative-share", "unknown-option"]
    assert found["problems"][0]["row"] == 2


def test_files_of_question_ids(tmp_path: Path) -> None:
    from contracts.errors import ContractError

    assert named_questions(None) is None
    assert named_questions("common75") == "common75"
    (tmp_path / "empty").write_text("# none\n", encoding="utf-8")
    with pytest.raises(ContractError, match="names no question"):
        named_questions(str(tmp_path / "empty"))


def test_help_of_every_command_imports_no_numpy() -> None:
    check = (
        "import sys\n"
        "from opinion_atlas.app import main\n"
        "for words in (['score'], ['baselines'], ['compare'], ['report', 'diff']):\n"
        "    try:\n"
        "        main([*words, '--help'])\n"
        "    except SystemExit:\n"
        "        pass\n"
        "assert 'numpy' not in sys.modules, 'help loads numpy'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Random sign patterns" in done.stdout


def test_several_files_give_the_reports_that_each_gives_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [folder / f"{name}.jsonl" for name in ("uniform", "world-average")]
    out = tmp_path / "reports"
    assert run("score", *files, "--replicates", 50, "--out", out) == 0
    assert capsys.readouterr().out.count("against reference") == 2
    for file in files:
        alone = file.with_suffix(".json")
        assert (out / alone.name).read_bytes() == alone.read_bytes()
    assert run("score", *files, "--replicates", 20, "--questions", "probe", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["predictions"]["name"] for one in found] == ["uniform", "world-average"]


def test_of_several_files_the_good_ones_are_scored_and_all_problems_listed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, out = folder / "uniform.jsonl", tmp_path / "bad.csv", tmp_path / "reports"
    bad.write_text("question_id,option,share\nQ1,99,1\n", encoding="utf-8")
    options = ("--replicates", 20, "--questions", "probe", "--out", out)
    assert run("score", bad, good, *options) == 2
    assert "[unknown-option]" in capsys.readouterr().err
    assert [file.name for file in out.iterdir()] == ["uniform.json"]


def test_several_files_need_names_apart_and_their_own_metadata(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = folder / "uniform.jsonl"
    same = tmp_path / "uniform.jsonl"
    same.write_bytes(good.read_bytes())
    assert run("score", good, same, "--out", tmp_path / "reports") == 2
    assert "[same-name]" in capsys.readouterr().err
    assert run("score", good, same, "--meta", same) == 2
    assert "[one-meta]" in capsys.readouterr().err
    assert run("score", good, folder / "majority.jsonl", "--out", same) == 2
    assert "[not-a-folder]" in capsys.readouterr().err

"""The commands elicit, read and wording, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cyclopts import App
from openai_server import serving

from codebook.wordings.wording import wording
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions


@pytest.fixture
def call(capsys):
    """Calls a command line, and gives what it printed."""
    app = App(name="test", result_action="return_value")
    for name in ("elicit", "read", "wording"):
        app.command(f"elicitation.commands.cli:{name}", name=name)

    def run(*tokens: str) -> str:
        capsys.readouterr()
        run.code = app([str(token) for token in tokens], exit_on_error=False, print_error=False)
        return capsys.readouterr().out

    return run


def test_elicit_asks_reads_and_writes(call, tmp_path):
    out = tmp_path / "run"
    said = call(
        "elicit", "mock:messy", "--release", "reference", "--protocol", "alignment",
        "--method", "verbalized", "--steer", "none,persona,few-shot",
        "--countries", "DEU,USA", "--questions", "Q1,Q2,Q3", "--out", out,
    )  # fmt: skip
    assert "15 calls made" in said or "calls made" in said
    files = sorted(path.name for path in (out / "predictions").iterdir())
    assert files == [
        "messy_alignment_verbalized_few-shot_en.jsonl",
        "messy_alignment_verbalized_none_en.jsonl",
        "messy_alignment_verbalized_persona_en.jsonl",
    ]
    summary = json.loads((out / "summary.json").read_text())
    assert [file["expected"] for file in summary["files"]] == [3, 6, 6]
    again = call("elicit", "mock:messy", "--countries", "DEU,USA", "--questions", "Q1,Q2,Q3",
                 "--out", out)  # fmt: skip
    assert "0 calls made" in again


def test_read_writes_the_same_files_again(call, tmp_path):
    out = tmp_path / "run"
    call(
        "elicit", "mock:messy", "--countries", "DEU", "--questions", "Q1,Q2", "--out", out, "--json"
    )
    before = {path.name: path.read_bytes() for path in (out / "predictions").iterdir()}
    for path in (out / "predictions").iterdir():
        path.unlink()
    call("read", out)
    assert {path.name: path.read_bytes() for path in (out / "predictions").iterdir()} == before
    printed = json.loads(call("read", out, "--out", tmp_path / "b", "--format", "csv", "--json"))
    assert {Path(file["path"]).suffix for file in printed} == {".csv"}


def test_read_takes_shards_together(call, tmp_path):
    options = ("--countries", "DEU", "--questions", "Q1,Q2", "--steer", "persona")
    for number in ("1", "2"):
        call(
            "elicit", "mock:steady", *options, "--shard", f"{number}/2", "--out", tmp_path / number
        )
    call("elicit", "mock:steady", *options, "--out", tmp_path / "whole")
    with pytest.raises(ContractError, match="--merge-into"):
        call("read", tmp_path / "1", tmp_path / "2")
    call("read", tmp_path / "1", tmp_path / "2", "--merge-into", tmp_path / "both")
    name = "predictions/steady_alignment_verbalized_persona_en.jsonl"
    assert (tmp_path / "both" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_dry_run_shows_everything_and_asks_nothing(call, tmp_path):
    out = tmp_path / "run"
    with serving() as server:
        said = call(
            "elicit", "openai:tiny", "--base-url", server.url, "--countries", "DEU,USA",
            "--questions", "Q1,Q2", "--out", out, "--dry-run", "--price-in", "1",
        )  # fmt: skip
        assert server.seen == []
    assert not out.exists()
    assert "10 calls, about" in said
    assert "over HTTP at the given concurrency" in said
    assert "at the given prices" in said
    assert said.count("\n--- ") == 3
    assert said.count("How important is family in your life?") == 3
    told = json.loads(
        call("elicit", "mock:steady", "--countries", "DEU", "--out", out, "--dry-run", "--json")
    )
    assert told["conditions"] == {"none_en": 148, "persona_en": 148, "few-shot_en": 147}
    assert told["estimate"]["calls"] == 443
    assert told["estimate"]["seconds"] is None
    assert len(told["prompts"]) == 3


def test_a_dry_run_of_a_shard_counts_its_own_calls(call, tmp_path):
    options = ("--countries", "DEU", "--out", tmp_path / "run", "--dry-run", "--shard", "2/4")
    whole = json.loads(call("elicit", "mock:steady", *options[:-2], "--json"))["estimate"]
    part = json.loads(call("elicit", "mock:steady", *options, "--json"))["estimate"]
    assert (whole["calls"], part["calls"]) == (443, 111)
    assert part["prompt_tokens"] == pytest.approx(whole["prompt_tokens"] * 111 / 443, abs=1)
    said = call("elicit", "mock:steady", *options, "--max-calls", "9", "--max-cost", "0.01",
                "--price-in", "5")  # fmt: skip
    assert "111 calls of 443 in shard 2/4" in said
    assert "stops after 9 calls" in said
    assert "stops at about 0.01" in said
    assert "the run itself tells" in said


def test_over_http_with_facts_of_the_model(call, tmp_path):
    with serving() as server:
        call(
            "elicit", "openai:tiny", "--base-url", server.url, "--method", "label_likelihood",
            "--orders", "1",
            "--steer", "none", "--questions", "Q1", "--out", tmp_path, "--json",
            "--meta", "family=tiny", "parameters=1000", "trained_on_wvs=true",
        )  # fmt: skip
    (path,) = (tmp_path / "predictions").iterdir()
    found = read_predictions(path)
    assert (found.meta.family, found.meta.parameters) == ("tiny", 1000)
    assert found.meta.trained_on_wvs is True
    assert found.meta.extra["environment"]["capabilities"]["label_logprobs"] == "exact"
    shares = found.cells.column("shares").to_pylist()[0]
    # Letters A to D of the test server: 0.4, 0.3, 0.15, 0.1, renormalised.
    assert shares == pytest.approx([0.4 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0.1 / 0.95])


def test_calls_that_fail_for_good_end_the_command_with_1(call, tmp_path):
    from fault_proxy import spoiling

    options = ("--countries", "none", "--steer", "none", "--questions", "Q1", "--attempts", "2")
    with serving() as server, spoiling(server.url, [("500",) * 2]) as proxy:
        for code in (1, 0):
            call("elicit", "openai:tiny", "--base-url", proxy.url, *options, "--out", tmp_path)
            assert call.code == code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("gpt",), "a model is named by how it is reached"),
        (("mock:angry",), "unknown value for mock:NAME"),
        (("mock:steady", "--shard", "3/2"), "a shard is written K/N"),
        (("mock:steady", "--meta", "size=3"), "KEY=VALUE"),
        (("mock:steady", "--meta", "parameters=many"), "wrong form"),
        (("mock:steady", "--max-cost", "1"), "needs prices"),
        (("mock:steady", "--format", "xml"), "told by its ending"),
        (("mock:steady", "--release", "nowhere"), "no release at nowhere"),
        (
            ("mock:steady", "--steer", "few-shot", "--countries", "CHN", "--allow-unscored"),
            "no-examples",
        ),
        (("openai:x", "--base-url", "localhost:8000"), "no address of a server"),
        (("openai:x", "--label-logprobs", "best"), "--label-logprobs.*exact, constrained"),
        (("mock:steady", "--protocol", "worldvaluesbench", "--demographics", "main"), "no-people"),
        (
            ("hub:x/y", "--protocol", "worldvaluesbench", "--demographics", "all"),
            "only country, settlement and education",
        ),
    ],
)
def test_wrong_commands_are_refused_with_a_message(call, tmp_path, options, message):
    with pytest.raises(ContractError, match=message):
        call("elicit", *options, "--out", tmp_path / "run")
    assert not (tmp_path / "run" / "calls.sqlite").exists()


def test_read_a_file_of_answers(call, tmp_path):
    path = tmp_path / "answers.jsonl"
    rows = [
        {"answer": '{"1": 60, "2": 40}', "options": {"1": "Yes", "2": "No"}},
        {"id": "x", "response": "Yes: 60%, No: 40%", "options": {"1": "Yes", "2": "No"}},
        {"text": "{1: 60%, 2: 40%}", "options": ["1", "2"]},
        {"answer": "I cannot say.", "options": [["1", "Yes"], ["2", "No"]]},
        {"answer": '{"1": 6', "options": ["1", "2"], "finish_reason": "length"},
        {"answer": "2", "options": ["1", "2"], "reader": "choice"},
        {"answer": None, "options": [{"label": "1", "text": "Yes"}, {"code": 2, "text": "No"}]},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    found = [json.loads(line) for line in call("read", path, "--json").splitlines()]
    assert [row["status"] for row in found] == [
        "ok", "repaired", "repaired", "refused", "truncated", "ok", "error",
    ]  # fmt: skip
    assert [row["line"] for row in found] == list(range(1, 8))
    assert found[1]["id"] == "x"
    for row in found[:3]:
        assert row["shares"] == pytest.approx({"1": 0.6, "2": 0.4})
    assert found[5]["shares"] == {"1": 0.0, "2": 1.0}
    assert found[3]["shares"] is None
    said = call("read", path)
    assert "1: ok 1 60.0%, 2 40.0%" in said
    assert "error 1, ok 2, refused 1, repaired 2, truncated 1" in said


def test_all_wrong_lines_of_a_file_are_told(call, tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"answer": "x"}\nno json\n[1]\n{"answer": 3, "options": ["1"]}\n'
                    '{"answer": "x", "options": ["1", "1"]}\n{"options": ["1"]}\n')  # fmt: skip
    with pytest.raises(ContractError, match="6 problems") as caught:
        call("read", path)
    assert [problem.row for problem in caught.value.problems] == [1, 2, 3, 4, 5, 6]


def test_wordings_are_checked_written_out_and_taken_in(call, tmp_path):
    said = call("wording", "check", "en")
    assert said.startswith("en (atlas, ")
    assert "complete" in said
    table = tmp_path / "en.csv"
    call("wording", "export", table)
    assert call("wording", "import", table, "--out", tmp_path / "own")
    assert call.code == 0
    told = json.loads(call("wording", "check", "--folder", tmp_path / "own", "--json"))
    assert told[0]["digest"] == wording("en").digest
    lines = [line for line in table.read_text().splitlines() if not line.startswith('"stem:Q1"')]
    table.write_text("\n".join(lines).replace('"atlas"', '"mine"') + "\n")
    assert "  stem:Q1" in call("wording", "check", "--folder", table)
    assert call.code == 1
    with pytest.raises(ContractError, match="no such language; found tlh"):
        call("wording", "check", "tlh")


def test_a_stated_name_keeps_a_file_for_every_condition(call, tmp_path):
    asked = ("--steer", "none,persona", "--countries", "DEU", "--questions", "Q1")
    said = call(
        "elicit", "mock:steady", *asked, "--out", tmp_path / "a run", "--meta", "name=My model/8 b"
    )
    files = sorted((tmp_path / "a run" / "predictions").iterdir())
    assert [file.name for file in files] == [
        "My-model-8-b_none_en.jsonl",
        "My-model-8-b_persona_en.jsonl",
    ]
    assert {read_predictions(file).meta.name for file in files} == {"My model/8 b"}
    assert f"score '{files[0]}'" in said.replace("\n", "")

"""The public face: its signatures are held, and what it gives is what its parts give."""

from __future__ import annotations

import copy
import doctest
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import opinion_atlas
from contracts.errors import ContractError
from tests.support.command_table import command_table
from tools.public_face import PATH, changes, public_face

ROOT = Path(__file__).parents[2]
FACE = json.loads(PATH.read_text("utf-8"))
COMMANDS = command_table()
RECORD = {"question_id": "Q1", "country": "CHL", "shares": {1: 0.9, 2: 0.07, 3: 0.02, 4: 0.01}}
META = {"model": "ORG/NAME", "method": "verbalized"}


def test_signatures_are_those_of_the_file():
    found = changes(FACE, public_face())
    renew = "if this is deliberate: python -m tools.public_face --write, and CHANGELOG.md"
    assert found == [], "\n".join([*found, renew])


def test_the_file_holds_the_seven_functions():
    functions = {name for name in FACE if "parameters" in FACE[name] and name[0].islower()}
    assert functions == {
        "build_release", "open_release", "read_predictions", "render_question", "run_study",
        "score", "write_predictions",
    }  # fmt: skip


def parameters(face, name):
    return face[name]["parameters"]


def without_a_name(face):
    del face["score"]


def without_a_parameter(face):
    parameters(face, "score").pop()


def with_another_default(face):
    parameters(face, "score")[2]["default"] = "()"


def with_a_required_parameter(face):
    parameters(face, "score").append(
        {"name": "extra", "kind": "keyword-only", "type": "int", "default": None}
    )


def with_another_order(face):
    found = parameters(face, "write_predictions")
    found[0], found[1] = found[1], found[0]


def with_another_return(face):
    face["score"]["returns"] = "dict"


@pytest.mark.parametrize(
    "change",
    [
        without_a_name,
        without_a_parameter,
        with_another_default,
        with_a_required_parameter,
        with_another_order,
        with_another_return,
    ],
)
def test_changes_that_break_callers_are_named(change):
    now = copy.deepcopy(FACE)
    change(now)
    assert [text.partition(":")[0] for text in changes(FACE, now)] == ["breaks"]


def test_an_optional_parameter_and_a_new_name_break_nobody():
    now = copy.deepcopy(FACE)
    parameters(now, "score").append(
        {"name": "extra", "kind": "keyword-only", "type": "int", "default": "0"}
    )
    now["more"] = {"parameters": [], "returns": "int"}
    assert changes(FACE, now) == ["adds: more", "adds: score: parameter extra"]


def test_importing_the_package_and_a_name_loads_no_numpy():
    code = (
        "import sys, opinion_atlas\n"
        "from opinion_atlas import score, run_study, render_question, ContractError\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'scipy', 'torch', 'cyclopts'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_only_public_names_are_given():
    assert set(opinion_atlas.__all__) <= set(dir(opinion_atlas))
    with pytest.raises(AttributeError, match="no attribute 'score_everything'"):
        opinion_atlas.score_everything  # noqa: B018


def arguments_of(command, *, without):
    """Options of a command with their defaults, as names in Python."""
    return {
        name.strip("-").lower().replace("-", "_"): option.get("default")
        for name, option in COMMANDS[command].items()
        if name not in without
    }


def defaults_of(function):
    plain = {inspect.Parameter.empty: None}
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        default = plain.get(parameter.default, parameter.default)
        found[name] = list(default) if isinstance(default, tuple) else default
    return found


def test_run_study_has_the_options_of_the_command():
    # A set of forms is several runs, one for each method; a study is one.
    forms = {"--robustness", "--factors", "--forms"}
    command = arguments_of("elicit", without={"--dry-run", "--json", *forms})
    python = defaults_of(opinion_atlas.run_study)
    # Facts about the model are KEY=VALUE as typed, a mapping in Python.
    assert (command.pop("meta"), python.pop("meta")) == ([], None)
    assert command == python


def test_build_release_has_the_options_of_the_command():
    command = arguments_of("build", without={"--dry-run", "--json"})
    assert command == defaults_of(opinion_atlas.build_release)


def test_score_has_the_options_of_the_command():
    reading = {"--meta", "--bad-cells", "--out", "--json"}  # of read_predictions, and of output
    command = arguments_of("score", without=reading)
    python = defaults_of(opinion_atlas.score)
    assert (command.pop("protocol"), python.pop("protocols")) == ([], None)
    assert (command.pop("compat"), python.pop("mode")) == (None, "corrected")
    assert command.pop("more") is None  # further files: the function takes one
    assert command == python


def test_a_file_and_its_predictions_score_alike(tmp_path):
    path = tmp_path / "answers.jsonl"
    read = opinion_atlas.write_predictions(path, [RECORD], meta=META)
    release = opinion_atlas.open_release("reference")
    settings = {"questions": ["Q1"], "replicates": 20}
    one = opinion_atlas.score(read, release, **settings)
    other = opinion_atlas.score(str(path), **settings)
    assert one == other
    # By hand: 1 - sum |F - G| / 3 over the shares of the reference.
    row = release.table("distributions").to_pandas()
    row = row[(row.wave == 7) & (row.country == "CHL") & (row.group == "") & (row.split == "all")]
    people = row[row.question_id == "Q1"].sort_values("position").weighted_share.to_numpy()
    people = people.astype(float).round(3)  # published shares have three decimals
    people = people / people.sum()
    model = list(RECORD["shares"].values())
    gaps = [abs(sum(people[:n]) - sum(model[:n])) for n in (1, 2, 3)]
    assert one.score("alignment").value.estimate == pytest.approx(1 - sum(gaps) / 3, abs=1e-8)


def test_score_takes_the_wave_of_the_predictions(tmp_path):
    record = {"question_id": "Q106", "country": "CHL", "shares": {1: 0.5, 10: 0.5}}
    meta = {**META, "wave": 6}
    read = opinion_atlas.write_predictions(tmp_path / "answers.jsonl", [record], meta=meta)
    settings = {"questions": ["Q106"], "replicates": 20}
    assert opinion_atlas.score(read, **settings).settings.wave == 6
    assert opinion_atlas.score(read, wave=7, **settings).settings.wave == 7


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "tsv", "parquet"])
def test_what_is_written_is_read_back(tmp_path, suffix):
    written = opinion_atlas.write_predictions(tmp_path / f"a.{suffix}", [RECORD], meta=META)
    read = opinion_atlas.read_predictions(tmp_path / f"a.{suffix}")
    assert written.meta == read.meta
    assert read.meta.model == "ORG/NAME"
    assert read.cells.to_pylist() == written.cells.to_pylist()
    sidecar = {"a.meta.json"} if suffix in ("csv", "tsv") else set()
    assert {path.name for path in tmp_path.iterdir()} == {f"a.{suffix}"} | sidecar


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ([RECORD, {"country": "CHL"}], r"\[bad-record\] records, row 2: .*KeyError"),
        ([{**RECORD, "shares": {1: "much"}}], r"\[bad-record\] records, row 1: .*much"),
        ([{**RECORD, "shares": {1: float("nan")}}], r"\[bad-record\] records, row 1"),
        (["Q1"], r"\[bad-record\] records, row 1"),
        ([{**RECORD, "shares": {1: -0.1, 2: 1.1}}], r"\[negative-share\]"),
        ([{**RECORD, "shares": {9: 1.0}}], r"\[unknown-option\]"),
        ([], r"\[no-rows\]"),
    ],
)
def test_records_that_break_the_format_are_not_written(tmp_path, records, problem):
    path = tmp_path / "answers.jsonl"
    opinion_atlas.write_predictions(path, [RECORD], meta=META)
    before = path.read_bytes()
    with pytest.raises(ContractError, match=problem) as raised:
        opinion_atlas.write_predictions(path, records, meta=META)
    assert ".partial-" not in str(raised.value)
    assert path.read_bytes() == before
    assert [left.name for left in tmp_path.iterdir()] == ["answers.jsonl"]


def test_unknown_metadata_are_named(tmp_path):
    with pytest.raises(ContractError, match=r"column modle: there is no such metadata field"):
        opinion_atlas.write_predictions(tmp_path / "a.jsonl", [RECORD], meta={"modle": "x"})


def test_an_older_sidecar_does_not_contradict(tmp_path):
    opinion_atlas.write_predictions(tmp_path / "a.csv", [RECORD], meta=META)
    opinion_atlas.write_predictions(tmp_path / "a.jsonl", [RECORD], meta={"model": "other"})
    assert opinion_atlas.read_predictions(tmp_path / "a.jsonl").meta.model == "other"


ASKED = {"steer": "persona", "countries": ["DEU", "JPN"], "questions": "Q1,Q2"}


def test_a_study_in_python_writes_what_the_command_writes(tmp_path, capsys):
    from opinion_atlas.app import main

    session = opinion_atlas.run_study("mock:steady", tmp_path / "python", **ASKED)
    assert capsys.readouterr().out == ""
    command = [
        "elicit",
        "mock:steady",
        "--steer",
        "persona",
        "--countries",
        "DEU,JPN",
        "--questions",
        "Q1,Q2",
    ]
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--out", str(tmp_path / "command")])
    (file,) = session.files
    other = tmp_path / "command" / "predictions" / file.path.name
    assert file.path.read_bytes() == other.read_bytes()
    again = opinion_atlas.run_study("mock:steady", tmp_path / "python", **ASKED)
    assert (again.progress.made, again.progress.reused) == (0, 4)


def test_a_study_takes_a_release_formats_and_facts(tmp_path):
    release = opinion_atlas.open_release("reference")
    session = opinion_atlas.run_study(
        "mock:steady",
        tmp_path / "run",
        release=release,
        meta={"family": "mock", "parameters": 7e9, "open_weights": True},
        format="csv",
        **ASKED,
    )
    meta = opinion_atlas.read_predictions(session.files[0].path).meta
    assert (meta.family, meta.parameters, meta.open_weights) == ("mock", 7e9, True)
    assert session.files[0].path.suffix == ".csv"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"prompts": "loud"}, "unknown value for prompts; found 'loud'; allowed: auto, chat"),
        ({"terminator": "dot"}, "unknown value for terminator"),
        ({"engine": "warp"}, "unknown value for engine"),
        ({"protocol": "telepathy"}, "telepathy"),
        ({"format": "docx"}, "docx"),
        ({"questions": ["Q1", "Q9999"]}, "Q9999"),
        ({"meta": {"colour": "red"}}, "colour"),
    ],
)
def test_a_study_refuses_what_it_does_not_know(tmp_path, options, problem):
    with pytest.raises(ContractError, match=problem):
        opinion_atlas.run_study("mock:steady", tmp_path / "run", **{**ASKED, **options})
    assert not (tmp_path / "run").exists()


def test_a_question_in_a_language_and_in_a_wording():
    from codebook.wordings.wording import wording

    german = opinion_atlas.render_question("Q1", language="de")
    assert german == opinion_atlas.render_question("Q1", wording=wording("de"))
    assert german.language == "de"
    assert german.text != opinion_atlas.render_question("Q1").text


def test_a_question_in_an_unknown_language_names_the_languages():
    with pytest.raises(ValueError, match="xx"):
        opinion_atlas.render_question("Q1", language="xx")


FUNCTIONS = [name for name in FACE if name[0].islower()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstrings_name_every_parameter_and_error(name):
    text = inspect.getdoc(getattr(opinion_atlas, name))
    arguments, _, rest = text.partition("Args:")[2].partition("Returns:")
    named = {word.strip("`,:") for word in arguments.split()}
    assert {one["name"] for one in FACE[name]["parameters"]} <= named
    assert "Raises:" in rest
    assert "Example:" in rest


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples_give_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(getattr(opinion_atlas, name), name, globs={})
    assert example.examples, f"{name} has no example"
    assert doctest.DocTestRunner().run(example).failed == 0

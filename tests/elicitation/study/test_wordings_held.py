"""Wordings that users hold, few-shot files, the table of languages, a language that is new."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from cyclopts import App

from codebook.questions import few_shot_ids
from codebook.review import language_counts, text_digest
from codebook.wordings.files import export_wording
from codebook.wordings.wording import languages, required_keys, wording, wording_of
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.commands.wording_coverage import BEGIN, END, with_table

ROOT = Path(__file__).parents[3]


@pytest.fixture
def call(capsys):
    """Calls a command line, and gives what it printed."""
    app = App(name="test", result_action="return_value")
    for name in ("elicit", "wording"):
        app.command(f"elicitation.commands.cli:{name}", name=name)

    def run(*tokens: object) -> str:
        capsys.readouterr()
        run.code = app([str(token) for token in tokens], exit_on_error=False, print_error=False)
        return capsys.readouterr().out

    return run


def held(language: str, path: Path, **texts: str) -> Path:
    """A copy of a wording with some texts of its own, as a user would hold it."""
    own = wording(language).texts() | {key.replace("_", ":"): text for key, text in texts.items()}
    copy = wording_of(own, language=language, name="official", machine_drafted=False)
    return export_wording(copy, path)


# A wording in place of the project's


def test_predictions_name_the_wording_that_was_asked(call, tmp_path):
    folder = held("de", tmp_path / "official", stem_Q1="Wie wichtig ist die Familie?")
    call(
        "elicit", "mock:steady", "--out", tmp_path / "run", "--questions", "Q1", "--countries",
        "DEU,JPN", "--steer", "none", "--languages", "de,own", "--wording", folder,
    )  # fmt: skip
    metas = {
        meta.language: meta
        for path in (tmp_path / "run" / "predictions").iterdir()
        if (meta := read_predictions(path).meta)
    }
    own = metas["de"]
    assert own.wording == "official"
    assert own.wording_digest not in ("", wording("de").digest)
    told = metas["own"].extra["wordings"]
    assert told["de"] == {"name": "official", "digest": own.wording_digest}
    assert told["ja"] == {"name": "atlas", "digest": wording("ja").digest}
    assert metas["own"].wording == "official+atlas"


def test_its_words_stand_in_the_prompt(call, tmp_path):
    stem = "Wie bedeutsam ist Ihnen die Familie, ganz im Ernst?"
    folder = held("de", tmp_path / "official", stem_Q1=stem)
    tokens = ("elicit", "mock:steady", "--out", tmp_path / "run", "--questions", "Q1",
              "--steer", "none", "--languages", "de", "--dry-run")  # fmt: skip
    assert stem in call(*tokens, "--wording", folder)
    assert stem not in call(*tokens)


def test_a_changed_wording_is_another_study(call, tmp_path):
    tokens = ("elicit", "mock:steady", "--out", tmp_path / "run", "--questions", "Q1",
              "--steer", "none", "--languages", "de")  # fmt: skip
    call(*tokens, "--wording", held("de", tmp_path / "one"))
    with pytest.raises(ContractError, match="wording"):
        call(*tokens, "--wording", held("de", tmp_path / "two", stem_Q1="Und die Familie?"))


def test_what_a_held_wording_lacks_is_named_before_anything_is_asked(call, tmp_path):
    path = tmp_path / "few.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("key", "text"))
        writer.writerow(("stem:Q1", "Quelle importance a la famille ?"))
    folder = tmp_path / "fr"
    call("wording", "import", path, "--language", "fr", "--name", "mine", "--out", folder)
    with pytest.raises(ContractError, match=r"mine \(fr\) lacks texts.*stem:Q60"):
        call("elicit", "mock:steady", "--out", tmp_path / "run", "--questions", "Q1",
             "--languages", "fr", "--wording", folder)  # fmt: skip
    assert not (tmp_path / "run" / "predictions").exists()
    with pytest.raises(ContractError, match="two wordings are in de"):
        call("elicit", "mock:steady", "--out", tmp_path / "run", "--wording",
             held("de", tmp_path / "a"), held("de", tmp_path / "b"))  # fmt: skip


# A tenth language


def test_a_tenth_language_is_one_folder(call, tmp_path):
    """French in English words: enough to ask, with nothing of the project changed."""
    texts = wording("en").texts()
    french = wording_of(texts, language="fr", name="mine", machine_drafted=True)
    folder = export_wording(french, tmp_path / "fr")
    assert "complete" in call("wording", "check", "--folder", folder)
    call(
        "elicit", "mock:steady", "--out", tmp_path / "run", "--questions", "Q1", "--countries",
        "AND", "--steer", "none,persona,few-shot", "--languages", "fr", "--wording", folder,
    )  # fmt: skip
    files = sorted(path.name for path in (tmp_path / "run" / "predictions").iterdir())
    assert [name.split("_", 3)[3] for name in files] == [
        "few-shot_fr.jsonl",
        "none_fr.jsonl",
        "persona_fr.jsonl",
    ]


def test_the_check_says_what_a_new_language_lacks(call):
    said = json.loads(call("wording", "check", "fr", "--json"))[0]
    assert call.code == 1
    assert set(required_keys()) <= set(said["missing"])
    people = "person:category.sex.male.list (data/demographics_persons_fr.toml)"
    assert people in said["missing"]
    with pytest.raises(ContractError, match=r"no such language; found xx.*languages\.csv"):
        call("wording", "check", "xx")


def test_the_project_lacks_nothing(call):
    call("wording", "check", "--require-review")
    assert call.code == 0


# The table of languages


def test_the_table_in_the_docs_is_current(call):
    call("wording", "coverage", "--check", ROOT / "docs" / "languages.md")
    assert call.code == 0


def test_a_table_that_is_out_of_date_is_told(call, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# Head\n{BEGIN}\nold\n{END}\ntail\n", encoding="utf-8")
    call("wording", "coverage", "--check", page)
    assert call.code == 1
    call("wording", "coverage", "--write", page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Head\n")
    assert text.endswith("\ntail\n")
    assert all(f"({language})" in text for language in languages())
    call("wording", "coverage", "--check", page)
    assert call.code == 0
    with pytest.raises(ContractError, match="no place for the table"):
        with_table("nothing", "table", where="page")


def test_counts_are_those_of_the_files():
    german = language_counts("de")
    assert german.present["stem"] == len(wording("de").stems)
    assert (german.missing, german.people_missing, german.unreviewed) == (0, 0, 0)
    assert german.asked_in == ("DEU",)
    assert language_counts("pt").asked_in == ("BRA",)
    assert text_digest("x") != german.wording


# Few-shot files


def test_few_shot_files_hold_what_the_prompts_show(call, tmp_path, plan_of, reference):
    call("wording", "few-shot", "--out", tmp_path, "--countries", "DEU,JPN", "--languages",
         "en,own")  # fmt: skip
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "few-shot-de-DEU.txt", "few-shot-de-form.txt", "few-shot-en-DEU.txt",
        "few-shot-en-JPN.txt", "few-shot-en-form.txt", "few-shot-ja-JPN.txt",
        "few-shot-ja-form.txt", "few-shot.json",
    ]  # fmt: skip
    for language, steer, whom in (("en", "few-shot", "DEU"), ("de", "few-shot", "DEU"),
                                  ("en", "none", "form")):  # fmt: skip
        plan = plan_of(questions=("Q1",), countries=("DEU",), steer=(steer,), languages=(language,))
        (call_,) = list(plan)
        text = (tmp_path / f"few-shot-{language}-{whom}.txt").read_text(encoding="utf-8")
        assert text.rstrip("\n") in call_.request.messages[0].content


def test_their_shares_are_those_of_the_release(call, tmp_path, reference):
    import pyarrow.compute as pc

    call("wording", "few-shot", "--out", tmp_path, "--countries", "DEU", "--languages", "de")
    index = json.loads((tmp_path / "few-shot.json").read_text(encoding="utf-8"))
    assert index["release"]["digest"] == reference.digest
    (german,) = (entry for entry in index["files"] if entry["country"] == "DEU")
    assert [one["question_id"] for one in german["examples"]] == list(few_shot_ids("DEU"))
    where = (
        (pc.field("country") == "DEU")
        & (pc.field("wave") == 7)
        & (pc.field("group") == "")
        & (pc.field("split") == "all")
    )
    columns = ["question_id", "code", "weighted_share"]
    table = reference.table("distributions", columns=columns, where=where).to_pylist()
    people = {(r["question_id"], str(r["code"])): r["weighted_share"] for r in table}
    for one in german["examples"]:
        for code, share in one["shares"].items():
            assert share == pytest.approx(people.get((one["question_id"], code), 0), abs=6e-4)


def test_a_country_without_people_is_named(call, tmp_path):
    with pytest.raises(ContractError, match=r"no people of it; found CHN"):
        call("wording", "few-shot", "--out", tmp_path / "x", "--countries", "CHN,DEU")
    assert not (tmp_path / "x").exists()
    said = call("wording", "few-shot", "--out", tmp_path / "x", "--countries", "DEU", "--dry-run")
    assert "would write" in said
    assert not (tmp_path / "x").exists()

"""`opinion-atlas read FILE --out`: replies from elsewhere become predictions."""

from __future__ import annotations

import json

import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.commands.corpus import read_corpus

OPTIONS = {
    "1": "Very important",
    "2": "Rather important",
    "3": "Not very important",
    "4": "Not at all important",
}


def line(question="Q1", country="Germany", answer='{"1": 40, "2": 30, "3": 20, "4": 10}', **more):
    return {"question_id": question, "country": country, "answer": answer, **more}


@pytest.fixture
def corpus(tmp_path):
    def write(*rows):
        path = tmp_path / "replies.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return path

    return write


def test_question_country_and_language_are_kept(corpus, tmp_path, capsys):
    out = tmp_path / "predictions.jsonl"
    path = corpus(
        line(language="de", options=OPTIONS),
        line("Q2", "392", "I cannot answer.", language="de"),
        line("Q3", "CL", "no idea", language="de"),
    )
    read_corpus(path, reader="shares", json=False, out=out, meta=("model=ORG/Model-7B",))
    found = read_predictions(out)
    assert found.name == "Model-7B"
    assert found.meta.language == "de"
    assert found.meta.wording == "unknown"
    cells = found.cells.to_pylist()
    assert [(c["question_id"], c["country"], c["status"]) for c in cells] == [
        ("Q1", "DEU", "ok"),
        ("Q2", "JPN", "refused"),
        ("Q3", "CHL", "invalid"),
    ]
    assert cells[0]["shares"] == pytest.approx([0.4, 0.3, 0.2, 0.1])
    shown = capsys.readouterr().out
    assert f"opinion-atlas score {out}" in shown
    assert "1: Q1 Germany de: ok" in shown


def test_several_replies_to_a_cell_are_averaged(corpus, tmp_path):
    out = tmp_path / "predictions.jsonl"
    path = corpus(line(answer="1"), line(answer="2"), line(answer="no idea"))
    read_corpus(path, reader="choice", json=False, out=out)
    assert read_predictions(out).cells.to_pylist()[0]["shares"] == [0.5, 0.5, 0, 0]


def test_each_language_gets_a_file(corpus, tmp_path):
    path = corpus(line(language="de"), line(language="fr"))
    read_corpus(path, reader="shares", json=False, out=tmp_path / "p.jsonl")
    assert read_predictions(tmp_path / "p-de.jsonl").meta.language == "de"
    assert read_predictions(tmp_path / "p-fr.jsonl").meta.language == "fr"


def test_letters_stand_for_the_codes_that_a_line_names(corpus, tmp_path):
    options = dict(zip("ABCD", OPTIONS.values(), strict=True))
    path = corpus(line(answer="C", options=options, codes={"A": 1, "B": 2, "C": 3, "D": 4}))
    read_corpus(path, reader="choice", json=False, out=tmp_path / "p.jsonl")
    assert read_predictions(tmp_path / "p.jsonl").cells.to_pylist()[0]["shares"] == [0, 0, 1, 0]


def test_all_that_is_wrong_is_named_at_once(corpus, tmp_path):
    path = corpus(
        line("Q999", options=OPTIONS), line(country="Atlantis"), line(options={"7": "a", "8": "b"})
    )
    with pytest.raises(ContractError, match="unknown-question") as caught:
        read_corpus(path, reader="shares", json=False, out=tmp_path / "p.jsonl")
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["unknown-question", "unknown-country", "unknown-option"]
    assert not (tmp_path / "p.jsonl").exists()


def test_bad_cells_can_count_as_invalid(corpus, tmp_path):
    path = corpus(line(), line("Q2", answer='{"7": 60, "8": 40}', options={"7": "a", "8": "b"}))
    out = tmp_path / "p.jsonl"
    read_corpus(path, reader="shares", json=False, out=out, bad_cells="invalid")
    assert read_predictions(out).cells.column("status").to_pylist() == ["ok", "invalid"]


def test_metadata_have_known_names(corpus, tmp_path):
    with pytest.raises(ContractError, match="KEY=VALUE"):
        read_corpus(corpus(line()), reader="shares", json=False, meta=("modell=x",))

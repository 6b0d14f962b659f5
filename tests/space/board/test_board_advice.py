"""The Advice page and the board's columns of advice, from real reports of made-up models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codebook.countries import HOFSTEDE_DIMENSIONS, countries
from contracts.errors import ContractError
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import read_predictions, write_predictions
from contracts.release.read import open_release
from contracts.report import ProtocolResult, write_report
from contracts.report_tables.check import typed_tables
from scoring import score
from space.board.facts import read_facts
from space.board.figures.advice import advice_rows, advice_tables_of
from space.board.store import Store, open_store
from space.pages.advice import show
from space.render.advice import advice_detail_html, advice_rows_html
from space.render.model import model_html
from space.render.protocols import _detail

PREFIXES = dict(zip(HOFSTEDE_DIMENSIONS, ("ind", "mas", "uai", "pdi", "lto"), strict=True))
EVIL = "<b>follower</b>"


def advice_of(strength: float, *, seed: int, approach: str = "persona") -> list[dict[str, Any]]:
    """Ten dilemmas a dimension; chance of the high side: 0.5 + strength x (score - 50) / 100."""
    rng = np.random.default_rng(seed)
    return [
        {
            "prompt_id": f"{PREFIXES[dimension]}-{number:02d}",
            "country": country,
            "approach": approach,
            "side": "high" if rng.uniform() < 0.5 + strength * (score_of - 50) / 100 else "low",
        }
        for country, one in countries().items()
        if one.hofstede is not None
        for dimension, score_of in one.hofstede.scores.items()
        for number in range(1, 11)
    ]


def nobody(high: int) -> list[dict[str, Any]]:
    return [
        {"prompt_id": f"ind-{n:02d}", "approach": "none", "side": "high" if n <= high else "low"}
        for n in range(1, 11)
    ]


@pytest.fixture(scope="module")
def advice_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root: Path = tmp_path_factory.mktemp("advice") / "store"
    (root / "reports").mkdir(parents=True)
    asked = {
        "follower": (EVIL, advice_of(0.9, seed=1) + advice_of(0, seed=2, approach="language")),
        "deaf": ("deaf", advice_of(0.0, seed=3)),
        "nobody": ("bare", nobody(7)),
    }
    for row_id, (name, rows) in asked.items():
        file = root / f"{row_id}.jsonl"
        meta = PredictionsMeta(name=name, model=name, protocol="advice")
        write_predictions(file, rows, meta=meta, kind="advice")
        found = score(read_predictions(file), open_release("reference"), replicates=50)
        write_report(found, root / "reports" / f"{row_id}.json")
    store = open_store(root)
    store.ensure_index(force=True)
    return store


def test_rows_come_by_approach_the_best_first(advice_store: Store) -> None:
    rows = advice_rows(advice_store)
    listed = [(row["row_id"], row["approach"]) for row in rows]
    assert listed[0] == ("follower", "persona")
    assert set(listed) == {
        ("follower", "persona"), ("follower", "language"), ("deaf", "persona"), ("nobody", "none"),
    }  # fmt: skip
    first = rows[0]["scores"]
    mean = np.mean([first[one]["estimate"] for one in HOFSTEDE_DIMENSIONS])
    assert first["mean"]["estimate"] == pytest.approx(mean)
    assert rows[-1]["scores"]["individualism"]["estimate"] == pytest.approx(0.7)
    assert rows[-1]["question_set"] == "dilemmas (10 of 250)"


def test_the_page_says_who_follows_and_who_leans(advice_store: Store) -> None:
    table = advice_rows_html(advice_rows(advice_store))
    follows, leans = table.split("Which way does a model lean")
    assert "&lt;b&gt;follower" in follows
    assert EVIL not in table
    assert 'href="advice?row=deaf"' in follows
    assert "bare" in leans
    assert "0.700" in leans
    assert "opinion-atlas elicit" in advice_rows_html([])


def test_one_row_in_full(advice_store: Store) -> None:
    body, link = show(advice_store, "follower")
    assert link == "row=follower"
    for heading in ("correlation with Hofstede", "Countries' scores and", "resource level",
                    "own lean", "given the lean", "Approaches compared"):  # fmt: skip
        assert heading in body
    assert body.count("<figure>") == 10
    bare, _ = show(advice_store, "nobody")
    assert "asked as nobody" in bare
    assert "<figure>" not in bare
    missing, _ = show(advice_store, "nothing")
    assert "oa-notice" in missing
    assert show(advice_store, None) == ["", ""]


def test_a_row_s_own_page_holds_the_same(advice_store: Store) -> None:
    tables = advice_tables_of(advice_store.report("deaf"))
    assert advice_detail_html(tables) in model_html(advice_store, "deaf", links=False)


def test_tables_of_another_form_are_named_on_the_page_and_nothing_else_of_them_is_shown() -> None:
    strange = {"correlations": [{"approach": EVIL}, 3], "countries": [{}], "lean": [{"high": 0.5}]}
    result = ProtocolResult(protocol="advice", applies=True, tables=strange)
    with pytest.raises(ContractError, match=r"(?s)correlations\.0\.dimension.*lean\.0\.high"):
        typed_tables(result)
    text = _detail(result)
    assert "correlations.0.dimension" in text
    assert EVIL not in text
    assert "<table" not in text


def test_the_board_has_columns_of_advice_in_words(advice_store: Store) -> None:
    columns = read_facts(advice_store).columns
    assert columns["advice_individualism_persona"].title == "Advice on individualism, as a persona"
    assert columns["advice_lean_individualism"].title == "Lean on individualism"
    assert "advice_r" in columns

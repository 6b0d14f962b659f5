"""Texts of errors: unknown values name the option, the value and the nearest allowed ones."""

from __future__ import annotations

import json

import pytest

from contracts.errors import ContractError, invalid_json, unknown_values
from contracts.models import parse_model
from contracts.predictions.meta import PredictionsMeta
from dataset_builder.options import BuildOptions
from elicitation.backends.mock import CHARACTERS
from scoring.baselines.distributions import choose_baselines


def test_an_unknown_value_names_the_option_the_value_and_the_nearest() -> None:
    problem = unknown_values("--languages", "dE-ch", ("de", "de-CH", "en", "fr"))
    assert str(problem) == (
        "[unknown-name] unknown value for --languages; did you mean de-CH?; found 'dE-ch'; "
        "allowed: de, de-CH, en, fr"
    )


def test_several_unknown_values_and_none_that_is_near() -> None:
    problem = unknown_values("--only", ["unifrm", "qqq"], ("uniform", "majority"), hint="Look.")
    assert problem.message == "unknown values for --only; did you mean uniform?"
    assert problem.found == "'unifrm', 'qqq'"
    assert unknown_values("--only", "qqq", ("uniform",)).message == "unknown value for --only"


def test_a_long_list_is_cut_and_can_be_described() -> None:
    names = [f"Q{number}" for number in range(290)]
    assert unknown_values("--questions", "Z", names).allowed.endswith("Q19, ...")
    assert unknown_values("--questions", "Z", names, described="ids").allowed == "ids"


def test_commands_suggest_the_nearest_value() -> None:
    assert CHARACTERS
    with pytest.raises(ContractError, match=r"--only; did you mean world-average\?"):
        choose_baselines(["world-averag"])
    with pytest.raises(ContractError, match=r"--hold-out-countries; did you mean JPN\?"):
        BuildOptions(hold_out_countries=("jpn",)).check()


def test_invalid_json_says_line_column_and_what_to_do() -> None:
    with pytest.raises(json.JSONDecodeError, match="delimiter") as raised:
        json.loads('{\n"a": 1,\n"b" 2}')
    text = invalid_json(raised.value)
    assert text.startswith("invalid JSON at line 3, column 5: Expecting ':' delimiter; correct it")
    assert "at line 12, column 5" in invalid_json(raised.value, line=12)
    assert invalid_json(RecursionError()) == "invalid JSON: nested too deeply"
    with pytest.raises(ContractError, match="invalid JSON at line 1, column 2"):
        parse_model(PredictionsMeta, "{", where="meta.json")

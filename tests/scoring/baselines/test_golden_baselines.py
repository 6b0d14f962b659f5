"""The baselines' reports on the reference stay what they are, and what they must be."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

_SPEC = importlib.util.spec_from_file_location(
    "golden_reports", Path(__file__).with_name("golden_reports.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
golden = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(golden)


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return json.loads(golden.GOLDEN.read_text(encoding="utf-8"))


def differences(first: Any, second: Any, place: str = "") -> list[str]:
    """Where two JSON values differ, numbers by more than 1e-8."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = sorted({*first, *second})
        return [
            d
            for key in keys
            for d in differences(first.get(key), second.get(key), f"{place}/{key}")
        ]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{place}/{i}")]
    numbers = isinstance(first, (int, float)) and isinstance(second, (int, float))
    if numbers and abs(first - second) <= 1e-8 * max(1.0, abs(second)):
        return []
    return [] if first == second else [f"{place}: {first!r} is not {second!r}"]


@pytest.mark.slow
def test_reports_of_the_baselines_have_not_changed(kept: dict[str, Any]) -> None:
    found = differences(golden.golden_reports(), kept)
    assert not found, "\n".join(found[:20])


def alignment(kept: dict[str, Any], name: str) -> float:
    return kept[name]["scores"]["alignment"][0]


def test_baselines_order_as_their_knowledge_does(kept: dict[str, Any]) -> None:
    # One option for everybody, then no knowledge, then the world, the continent, the neighbour.
    names = ("majority", "uniform", "world-average", "continent-average", "nearest-country")
    values = [alignment(kept, name) for name in names]
    assert values == sorted(values)


def test_previous_waves_are_nearest_of_all_but_cover_little(kept: dict[str, Any]) -> None:
    assert alignment(kept, "previous-wave") > alignment(kept, "nearest-country")
    assert kept["previous-wave"]["coverage"]["share"] < 0.2


def test_no_interval_leaves_its_estimate_out(kept: dict[str, Any]) -> None:
    checked = 0
    for report in (part for part in kept.values() if isinstance(part, dict)):
        for table in ("scores", "countries", "groups"):
            for estimate, low, high, *_ in report[table].values():
                if estimate is not None and low is not None:
                    assert low - 1e-8 <= estimate <= high + 1e-8
                    checked += 1
    assert checked > 400


def test_the_uniform_answer_is_under_aligned_everywhere(
    kept: dict[str, Any],
) -> None:
    verdicts = [row[6] for row in kept["uniform"]["countries"].values()]
    assert set(verdicts) == {"under"}

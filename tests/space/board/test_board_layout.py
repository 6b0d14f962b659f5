"""Rules for the code of the app: short functions, a layout without logic, pages of their own."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import space
from codebook.countries import countries
from space.render.figures.bars import Series, mean_of, share_bars
from space.render.figures.world import colour_steps, geometry, step_of, world_map

ROOT = Path(space.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
LONGEST_FUNCTION = 60


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_function_is_longer_than_sixty_lines(path: Path) -> None:
    for node in functions(path):
        length = node.end_lineno - node.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{path.name}:{node.name} has {length} lines"


def test_the_app_is_layout_only() -> None:
    tree = ast.parse((ROOT / "server" / "app.py").read_text())
    imported = {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    handed_on = {
        "space.pages.blocks",
        "space.board.survey_answers",
        "space.board.store",
        "space.intake.desk",
        "space.runs.service",
    }
    pages = {"space.pages", "space.pages.running"}
    assert imported <= {"__future__", *pages, "space.board.texts", *handed_on}
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.If | ast.While | ast.Try)]
    assert len(functions(ROOT / "server" / "app.py")) == 1


def test_only_the_app_its_pages_and_the_server_know_gradio() -> None:
    framework = tuple(f"server/{name}.py" for name in ("app", "web", "sessions"))
    for path in MODULES:
        knows = any(
            (isinstance(node, ast.Import) and any(a.name == "gradio" for a in node.names))
            or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gradio"))
            for node in ast.walk(ast.parse(path.read_text()))
        )
        name = path.relative_to(ROOT).as_posix()
        assert not knows or name.startswith("pages/") or name in framework, name


def test_the_map_knows_every_country_of_the_survey() -> None:
    world = geometry()
    assert set(countries()) <= set(world["paths"]) | set(world["points"])
    assert not set(world["paths"]) & set(world["points"])


def test_colour_steps_cover_the_range() -> None:
    ends = colour_steps({"A": 0.2, "B": 0.8})
    assert [step_of(score, ends) for score in (0.2, 0.29, 0.31, 0.52, 0.8)] == [0, 0, 1, 3, 5]
    assert step_of(0.7, colour_steps({"A": 0.7})) in range(6)


def test_the_map_marks_scored_countries_only() -> None:
    shown = world_map({"DEU": 0.9, "SGP": 0.1}, tips={"DEU": "<Germany>"}, label="x")
    assert shown.count('class="has') == 2
    assert "&lt;Germany&gt;" in shown
    assert 'data-country="SGP"' in shown
    assert "<circle" in shown


def test_geometry_is_small() -> None:
    path = ROOT / "data" / "world.json"
    assert path.stat().st_size < 200_000
    assert "Natural Earth" in json.loads(path.read_text())["source"]


@pytest.mark.parametrize(
    ("shares", "mean"),
    [
        # By hand: positions 0, 1/2, 1.
        ([0.5, 0.25, 0.25], 0.25 * 0.5 + 0.25),
        ([1.0, 0.0], 0.0),
        ([0.0, 0.0, 0.0, 1.0], 1.0),
        # Shares that do not sum to one count by their proportions.
        ([2.0, 2.0], 0.5),
        ([0.5, None], None),
        ([0.0, 0.0], None),
        ([1.0], None),
    ],
)
def test_mean_position_by_hand(shares, mean) -> None:
    assert mean_of(shares) == (None if mean is None else pytest.approx(mean))


def test_bars_say_their_shares_and_what_is_missing() -> None:
    shown = share_bars(["yes", "<no>"], [Series("People", "people", [0.123, None])])
    assert "12.3%" in shown
    assert "--share:0.1230" in shown
    assert "&lt;no&gt;" in shown
    assert "People: no answer" in shown

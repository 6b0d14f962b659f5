"""What the tests themselves must not do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parents[1].rglob("*.py"))
CLOCKS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "time_ns"}


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Calls with the name of what is called, without what stands before its last dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute):
                yield called.attr, node
            elif isinstance(called, ast.Name):
                yield called.id, node


def _reads_clock(tree: ast.AST) -> bool:
    return any(name in CLOCKS or ast.unparse(call) == "time.time()" for name, call in _calls(tree))


def clock_assertions(tree: ast.AST) -> list[int]:
    """Lines of assertions about elapsed time: of a clock, or of a difference taken from one."""
    measured = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _reads_clock(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        and (
            _reads_clock(node.test)
            or any(isinstance(n, ast.Name) and n.id in measured for n in ast.walk(node.test))
        )
    ]


def raises_without_match(tree: ast.AST) -> list[int]:
    """Lines that expect an error, whatever it says."""
    return [
        call.lineno
        for name, call in _calls(tree)
        if name == "raises" and not any(keyword.arg == "match" for keyword in call.keywords)
    ]


def test_the_checks_find_what_they_look_for() -> None:
    clocks = "start = time.monotonic()\nassert time.perf_counter() < 5\nassert 1 - start < 2\n"
    assert clock_assertions(ast.parse(clocks)) == [2, 3]
    errors = "with pytest.raises(ValueError):\n    f()\npytest.raises(ValueError, match='x')\n"
    assert raises_without_match(ast.parse(errors)) == [1]


@pytest.mark.parametrize("check", [clock_assertions, raises_without_match])
def test_no_test_asserts_about_elapsed_time_or_any_error(check) -> None:
    found = {
        str(path.relative_to(FILES[0].parents[1])): lines
        for path in FILES
        if (lines := check(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == {}

"""Every measure explains itself: formula, shapes, errors, source, and an example that runs."""

from __future__ import annotations

import doctest
import inspect

import pytest

from scoring import measures

FUNCTIONS = [name for name in measures.__all__ if inspect.isfunction(getattr(measures, name))]


def test_every_function_of_the_modules_is_named():
    from scoring.measures import agreement, checks, distances, individual

    helpers = {"checked_pair", "scale_sizes", "scale_gaps"}
    public = {
        name
        for module in (agreement, checks, distances, individual)
        for name, found in inspect.getmembers(module, inspect.isfunction)
        if found.__module__ == module.__name__ and not name.startswith("_")
    }
    assert public - helpers == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("part", ["Args:", "Returns:", "Raises:", "Formula:", "Source:", "shape ("])
def test_docstrings_have_every_part(name, part):
    assert part in (inspect.getdoc(getattr(measures, name)) or "")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples_give_what_they_say(name):
    function = getattr(measures, name)
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(function, name, globs=dict(vars(measures)))
    assert example.examples, f"{name} has no example"
    results = doctest.DocTestRunner().run(example)
    assert results.failed == 0


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, 2.0])
def test_log_score_refuses_a_smoothing_that_is_no_weight(smoothing):
    with pytest.raises(measures.ShareError, match="smoothing is"):
        measures.log_score([0.5, 0.5], 0, smoothing=smoothing)

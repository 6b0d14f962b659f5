"""A toy release whose people answer as the planted models' true shares say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from planted import FORMS, QUESTIONS, Planted, planted_records, true_shares

from contracts.predictions.read import Predictions
from contracts.release.read import Release

COUNTRIES = ("DEU", "JPN", "USA")


@pytest.fixture
def people(toy_release: Callable[..., Release]) -> Release:
    """Three countries of a hundred thousand; the shares of QUESTIONS are the true ones."""
    counts = {
        (7, country, "", question): np.round(1e5 * true_shares(question)).astype(int)
        for country in COUNTRIES
        for question in QUESTIONS
    }
    return toy_release(counts)


@pytest.fixture
def planted(toy_predictions: Callable[..., Predictions]) -> Callable[..., list[Predictions]]:
    """Predictions of a planted model in every form."""

    def make(bias: Planted, *, forms: tuple[str, ...] = FORMS, **more: Any) -> list[Predictions]:
        made = [planted_records(bias, form, **more) for form in forms]
        return [toy_predictions(records, **fields) for records, fields in made]

    return make

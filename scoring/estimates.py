"""Estimates with bounds, and means that leave out what is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contracts.report import Interval
from scoring.inference.intervals import Bounds, interval, intervals
from scoring.inputs.geometry import Floats


@dataclass(frozen=True)
class Estimate:
    """Values with the bounds of their intervals, arrays of one shape; NaN where undefined."""

    value: Floats
    bounds: Bounds


def row_means(cells: Floats) -> Floats:
    """Means along the last axis of what is not NaN; NaN where nothing is."""
    present = ~np.isnan(cells)
    total = np.where(present, cells, 0.0).sum(axis=-1)
    count = present.sum(axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def divide(top: Floats, bottom: Floats) -> Floats:
    """Quotients; NaN where the divisor is 0."""
    shape = np.broadcast(top, bottom).shape
    return np.divide(top, bottom, out=np.full(shape, np.nan), where=np.abs(bottom) > 1e-12)


def single(estimate: Estimate) -> Interval:
    """The interval of an estimate of shape ()."""
    return interval(float(estimate.value), float(estimate.bounds.low), float(estimate.bounds.high))


def many(estimate: Estimate) -> list[Interval]:
    """The intervals of an estimate of shape (N,)."""
    return intervals(estimate.value, estimate.bounds)


def number(value: float | np.floating | Floats) -> float | None:
    """A float, or an array of shape (), for the report; NaN becomes null."""
    return None if np.isnan(value) else float(value)

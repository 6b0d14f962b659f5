"""Measurements beside their bounds, as the benchmarks print them."""

from __future__ import annotations

from collections.abc import Mapping


def print_measured(
    measurements: Mapping[str, float],
    bounds: Mapping[str, tuple[float, bool]],
    *,
    smoke: bool,
    exact: str,
) -> list[str]:
    """Print each measurement with its bound.

    Args:
        found: name -> value.
        bounds: name -> (bound, whether the measurement must lie above it).
        smoke: whether the run was a short one. It measures no speed: only exactness counts then.
        exact: a word in the names of measurements of exactness.

    Returns:
        Names of those that miss their bounds.
    """
    missed = []
    for name, value in measurements.items():
        bound, above = bounds[name]
        fine = value >= bound if above else value <= bound
        print(f"{name:32} {value:12.4g}   {'>=' if above else '<='} {bound:g}")
        if not fine and (not smoke or exact in name):
            missed.append(name)
    return missed

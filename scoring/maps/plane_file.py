"""A fitted opinion plane as text: fitting takes seconds, reading it takes none."""

from __future__ import annotations

import json

import numpy as np

from contracts.errors import fail
from scoring.inputs.geometry import build_geometry
from scoring.maps.opinion_plane import OpinionPlane

#: Digits that are written: far below what a map shows.
_DIGITS = 9


def plane_text(plane: OpinionPlane) -> str:
    """The plane as JSON."""
    sizes = plane.geometry.sizes
    return json.dumps(
        {
            "questions": plane.geometry.question_ids,
            "countries": plane.countries,
            "variance": [round(one, _DIGITS) for one in plane.variance],
            "mean": [
                np.round(row[:size], _DIGITS).tolist()
                for row, size in zip(plane.mean, sizes, strict=True)
            ],
            "axes": [
                [
                    np.round(row[:size], _DIGITS).tolist()
                    for row, size in zip(axis, sizes, strict=True)
                ]
                for axis in plane.axes
            ],
        }
    )


def read_plane(text: str) -> OpinionPlane:
    """The plane that `plane_text` wrote.

    Raises:
        ContractError: the scales of its questions are not those of the codebook.
    """
    plane_fields = json.loads(text)
    geometry = build_geometry(plane_fields["questions"])
    sizes = [len(row) for row in plane_fields["mean"]]
    if sizes != geometry.sizes.tolist():
        raise fail(
            "other-scales",
            "the plane was fitted on other scales than those of the codebook",
            hint="Fit it again: python -m tools.published_store --only maps",
        )
    shape = (len(sizes), geometry.width)
    mean, axes = np.zeros(shape), np.zeros((2, *shape))
    for row, size in enumerate(sizes):
        mean[row, :size] = plane_fields["mean"][row]
        # Beyond its last option a question's cumulative share has no weight.
        for axis in (0, 1):
            axes[axis, row, :size] = plane_fields["axes"][axis][row]
    first, second = plane_fields["variance"]
    return OpinionPlane(geometry, mean, axes, (first, second), tuple(plane_fields["countries"]))

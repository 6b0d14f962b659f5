"""What a map file holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.models import Strict

MapName = Literal["opinion_plane", "cultural_map"]


class Ellipse(Strict):
    """An ellipse that holds 95 % of a mark's sampling distribution.

    Attributes:
        major: half the long axis, in the units of the map.
        minor: half the short axis.
        angle: angle of the long axis to the x axis, in degrees, counter-clockwise.
    """

    major: float
    minor: float
    angle: float


class Mark(Strict):
    """A country or a model on a map.

    Attributes:
        kind: `country` or `model`.
        name: ISO3 code of a country, or the name of a model's row.
        wave: the survey wave of a country's respondents; of a model, that it is compared with.
        x: horizontal position.
        y: vertical position.
        outside: share of the squared offset from the mean country that lies outside the plane
            (0 to 1); null on the cultural map, where no distance beyond its items is known.
        questions: how many of the map's questions the mark rests on.
        ellipse: sampling uncertainty; null where it is not known.
    """

    kind: Literal["country", "model"]
    name: str
    wave: int
    x: float
    y: float
    outside: float | None = None
    questions: int
    ellipse: Ellipse | None = None


class NotPlaced(Strict):
    """Who could not be placed, and why."""

    kind: Literal["country", "model"]
    name: str
    wave: int
    reason: str


class Axis(Strict):
    """A direction of a map.

    Attributes:
        name: what the axis is called.
        low: what small values stand for; empty where the data alone give no name.
        high: what large values stand for.
        variance: share of the variance between countries, 0 to 1; null on the cultural map.
        r: correlation with the published country scores; null on the opinion plane.
    """

    name: str
    low: str = ""
    high: str = ""
    variance: float | None = None
    r: float | None = None


class MapPicture(Strict):
    """One map: its axes, marks, and how it was made."""

    map: MapName
    title: str
    how: str
    fit: str
    sources: list[str] = Field(default_factory=list)
    axes: tuple[Axis, Axis]
    questions: list[str]
    fitted_countries: int
    marks: list[Mark]
    not_placed: list[NotPlaced] = Field(default_factory=list)


class MapFile(Strict):
    """All maps of one release, with the models placed on them."""

    schema_version: str = "1.0"
    release: str
    release_version: str
    seed: int
    maps: list[MapPicture]

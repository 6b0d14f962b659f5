"""The maps of opinion as panels: a title and a figure each."""

from __future__ import annotations

from collections.abc import Mapping

from scoring.maps.model import MapFile
from space.render.figures.plane import Link, plane_figure

TITLES = {"opinion_plane": "Opinion plane", "cultural_map": "Cultural map"}


def map_panels(
    maps: MapFile, models: Mapping[str, Link], *, country_page: str | None = "country"
) -> list[tuple[str, str]]:
    """Title and figure of each map.

    Args:
        maps: the maps with the models' marks.
        models: by the name of a mark: its title and address.
        country_page: page of a country; None where there is none to lead to.
    """
    return [
        (TITLES[picture.map], plane_figure(picture, models, country_page=country_page))
        for picture in maps.maps
    ]

"""The Space's picture for links and collections: countries on the cultural map, as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from codebook.countries import countries
from contracts.release.read import Release
from scoring.maps import Mark, make_map

THUMBNAIL_NAME = "thumbnail.png"

#: Size in pixels that previews of links show whole.
SIZE = (1200, 630)

_PAPER, _INK, _GREY = (255, 255, 255), (23, 32, 51), (91, 101, 122)
_COLOURS = {
    "Africa": (201, 106, 0), "Asia": (0, 119, 182), "Europe": (43, 138, 62),
    "North America": (181, 23, 158), "South America": (155, 89, 24), "Oceania": (90, 90, 200),
}  # fmt: skip
_LEFT, _TOP, _RIGHT, _BOTTOM = 60, 170, 1140, 580


def write_thumbnail(path: Path, release: Release) -> None:
    """Draw the countries of a release's newest wave.

    Args:
        path: the PNG file.
        release: the release, as others may see it.
    """
    wave = max(release.manifest.waves)
    (picture,) = make_map(release, maps=("cultural_map",), waves=(wave,)).maps
    image = Image.new("RGB", SIZE, _PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((60, 40), "Opinion Atlas", fill=_INK, font=ImageFont.load_default(56))
    pen.text(
        (60, 112), "Whose values does a language model reflect?", fill=_GREY,
        font=ImageFont.load_default(30),
    )  # fmt: skip
    _draw_marks(pen, [mark for mark in picture.marks if mark.kind == "country"])
    note = f"{len(picture.marks)} countries of wave {wave} on the Inglehart-Welzel cultural map"
    pen.text((60, 594), note, fill=_GREY, font=ImageFont.load_default(20))
    image.save(path, optimize=True)


def _draw_marks(pen: ImageDraw.ImageDraw, marks: Sequence[Mark]) -> None:
    """Dots with the countries' codes; the map fills the frame."""
    xs, ys = [mark.x for mark in marks], [mark.y for mark in marks]
    wide, high = max(max(xs) - min(xs), 1e-9), max(max(ys) - min(ys), 1e-9)
    font = ImageFont.load_default(15)
    for mark in marks:
        x = _LEFT + (mark.x - min(xs)) / wide * (_RIGHT - _LEFT)
        y = _BOTTOM - (mark.y - min(ys)) / high * (_BOTTOM - _TOP)
        known = countries().get(mark.name)
        colour = _COLOURS.get(known.continent if known else "", _GREY)
        pen.ellipse((x - 6, y - 6, x + 6, y + 6), fill=colour)
        pen.text((x + 9, y - 9), mark.name, fill=_INK, font=font)

"""Maps as one SVG picture, readable without a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from scoring.inputs.survey import continent_of
from scoring.maps.model import MapFile, MapPicture, Mark

#: Colours of countries by continent, and of models: dark enough for text on white (4.5 : 1).
CONTINENT_COLOURS = {
    "Africa": "#8a5a00",
    "Asia": "#a1343c",
    "Europe": "#23558f",
    "North America": "#2c6e49",
    "Oceania": "#0b6e79",
    "South America": "#6b3fa0",
}
_OTHER = "#555555"
_MODEL = "#111111"

_WIDTH, _HEIGHT, _MARGIN, _TOP, _FOOT = 960, 720, 64, 56, 96
_LINE = 13


@dataclass(frozen=True)
class _Frame:
    """Data coordinates to pixels, one scale for both axes so that distances are true."""

    x: float
    y: float
    scale: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        return (
            round(_WIDTH / 2 + (x - self.x) * self.scale, 1),
            round(_TOP + (_HEIGHT - _TOP - _FOOT) / 2 - (y - self.y) * self.scale, 1),
        )


def map_svg(maps: MapFile) -> str:
    """All maps of a file below each other; countries of the last wave alone."""
    parts = [_panel(picture, number * _HEIGHT) for number, picture in enumerate(maps.maps)]
    height = _HEIGHT * len(maps.maps)
    titles = " and ".join(picture.title for picture in maps.maps)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(titles)}" font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _panel(picture: MapPicture, top: int) -> str:
    last = max((mark.wave for mark in picture.marks), default=0)
    marks = [mark for mark in picture.marks if mark.wave == last]
    frame = _frame(marks)
    body = [
        f'<text x="{_MARGIN}" y="28" font-size="20" font-weight="600">'
        f"{escape(picture.title)}</text>",
        f'<rect x="{_MARGIN}" y="{_TOP}" width="{_WIDTH - 2 * _MARGIN}" '
        f'height="{_HEIGHT - _TOP - _FOOT}" fill="none" stroke="#cccccc"/>',
        *_axis_names(picture),
        *_ellipses(marks, frame),
        *_dots(marks, frame),
        *_notes(picture),
    ]
    return f'<g transform="translate(0 {top})">{"".join(body)}</g>'


def _frame(marks: Sequence[Mark]) -> _Frame:
    if not marks:
        return _Frame(0.0, 0.0, 1.0)
    xs, ys = [mark.x for mark in marks], [mark.y for mark in marks]
    wide = (max(xs) - min(xs)) or 1.0
    high = (max(ys) - min(ys)) or 1.0
    room = (_WIDTH - 2 * _MARGIN - 100, _HEIGHT - _TOP - _FOOT - 60)
    scale = min(room[0] / wide, room[1] / high)
    return _Frame((max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2, scale)


def _axis_names(picture: MapPicture) -> Iterable[str]:
    first, second = picture.axes
    bottom = _HEIGHT - _FOOT + 18
    centre = _TOP + (_HEIGHT - _TOP - _FOOT) / 2
    for axis, where in (
        (first, f'x="{_WIDTH / 2}" y="{bottom}"'),
        (second, f'transform="translate({_MARGIN - 16} {centre}) rotate(-90)"'),
    ):
        text = f"{axis.low} \u2192 {axis.high}" if axis.low else axis.name
        if axis.variance is not None:
            text += f" ({axis.variance:.0%} of the variance)"
        yield f'<text {where} text-anchor="middle" fill="#333333">{escape(text)}</text>'


def _ellipses(marks: Sequence[Mark], frame: _Frame) -> Iterable[str]:
    for mark in marks:
        if mark.ellipse is None:
            continue
        x, y = frame.place(mark.x, mark.y)
        rx, ry = (round(half * frame.scale, 1) for half in (mark.ellipse.major, mark.ellipse.minor))
        colour = _colour(mark)
        dash = ' stroke-dasharray="4 4"' if mark.kind == "model" else ""
        yield (
            f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{colour}" fill-opacity="0.05" '
            f'stroke="{colour}" stroke-opacity="0.25"{dash} '
            f'transform="rotate({-round(mark.ellipse.angle, 1)} {x} {y})"/>'
        )


def _dots(marks: Sequence[Mark], frame: _Frame) -> Iterable[str]:
    taken: list[tuple[float, float, float, float]] = []
    # Models last: they lie on top of countries, and their names give way.
    for mark in sorted(marks, key=lambda mark: (mark.kind == "model", mark.name)):
        x, y = frame.place(mark.x, mark.y)
        model = mark.kind == "model"
        label = mark.name.rsplit("/", 1)[-1]
        tx, ty = _label_place(x, y, 7.0 * len(label), taken)
        colour = _colour(mark)
        shape = (
            f'<path d="M{x} {y - 6}L{x + 6} {y}L{x} {y + 6}L{x - 6} {y}Z" fill="{colour}"/>'
            if model
            else f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
        )
        weight = ' font-weight="600"' if model else ""
        yield (
            f"<g><title>{escape(_tip(mark))}</title>{shape}"
            f'<text x="{tx}" y="{ty}" fill="{colour}"{weight}>{escape(label)}</text></g>'
        )


def _label_place(
    x: float, y: float, width: float, taken: list[tuple[float, float, float, float]]
) -> tuple[float, float]:
    """Where a label stands: the first place around its mark that no other label covers."""
    places = [(8, 4), (-width - 8, 4), (-width / 2, -8), (-width / 2, 18)]
    places += [(8, 4 + step * _LINE) for number in range(1, 6) for step in (number, -number)]
    boxes = [(x + dx, y + dy - _LINE + 3, x + dx + width, y + dy + 3) for dx, dy in places]
    inside = [box for box in boxes if box[0] > _MARGIN and box[2] < _WIDTH - _MARGIN]
    free = next((box for box in inside if not any(_overlap(box, other) for other in taken)), None)
    box = free or (inside or boxes)[0]
    taken.append(box)
    return round(box[0], 1), round(box[3] - 3, 1)


def _overlap(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> bool:
    return (
        first[0] < second[2]
        and second[0] < first[2]
        and first[1] < second[3]
        and second[1] < first[3]
    )


def _tip(mark: Mark) -> str:
    outside = "" if mark.outside is None else f"; {mark.outside:.0%} of its offset outside the map"
    return f"{mark.name}, wave {mark.wave}: {mark.x:.2f}, {mark.y:.2f}{outside}"


def _notes(picture: MapPicture) -> Iterable[str]:
    lines = [*_wrapped(picture.how, 150), *_wrapped(picture.fit, 150)]
    if picture.not_placed:
        models = [one.name for one in picture.not_placed if one.kind == "model"]
        if models:
            lines += _wrapped(f"Not placed: {', '.join(models)} (answers missing).", 150)
    for number, line in enumerate(lines[:5]):
        y = _HEIGHT - _FOOT + 36 + number * _LINE
        yield f'<text x="{_MARGIN}" y="{y}" font-size="11" fill="#444444">{escape(line)}</text>'


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


def _colour(mark: Mark) -> str:
    if mark.kind == "model":
        return _MODEL
    return CONTINENT_COLOURS.get(continent_of(mark.name), _OTHER)

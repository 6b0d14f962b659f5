"""A map of opinion as SVG: countries and models as marks that are links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from scoring.inputs.survey import continent_of
from scoring.maps.model import MapPicture, Mark
from space.board.labels import country_name
from space.render.text import esc


class Size(NamedTuple):
    """Size of a drawing in its own units, of its letters, and whether countries are named."""

    name: str
    width: int
    height: int
    letter: int
    countries: bool


WIDE = Size("wide", 760, 560, 12, countries=True)
NARROW = Size("narrow", 380, 250, 12, countries=False)

_EDGE = 14

#: Width of a letter as a share of its height: of countries' codes, of models' bold names.
PLAIN, BOLD = 0.62, 0.7


class Link(NamedTuple):
    """Where a model's mark leads, what it is called, and whether it is the visitor's own."""

    name: str
    address: str
    mine: bool = False


def plane_figure(
    picture: MapPicture, models: Mapping[str, Link], *, country_page: str | None = "country"
) -> str:
    """The map, drawn for wide and for narrow screens, and the line that says what is pointed at.

    Args:
        picture: the map.
        models: by the name of a mark: its title and address.
        country_page: page of a country; None where there is none to lead to.
    """
    drawings = "".join(
        _drawing(picture, models, size, country_page=country_page) for size in (WIDE, NARROW)
    )
    return (
        f'<figure class="oa-plane">{drawings}{_key(picture)}'
        f'<figcaption class="oa-tip" aria-live="polite">{esc(caption(picture))}</figcaption>'
        "</figure>"
    )


def _key(picture: MapPicture) -> str:
    """What the colours and shapes of the marks mean."""
    parts = sorted({continent_of(mark.name) for mark in picture.marks if mark.kind == "country"})
    items = "".join(
        f'<span class="oa-mark-country {_continent_class(part)}"><i></i>{esc(part)}</span>'
        for part in parts
    )
    if any(mark.kind == "model" for mark in picture.marks):
        items += '<span class="oa-key-mark"><i></i>model</span>'
    return f'<p class="oa-chart-legend oa-continents">{items}</p>'


def _continent_class(part: str) -> str:
    return f"oa-{part.lower().replace(' ', '-')}"


def caption(picture: MapPicture) -> str:
    """One sentence about what the map shows."""
    models = [mark for mark in picture.marks if mark.kind == "model"]
    if picture.map == "cultural_map":
        caption_text = (
            "Left to right: survival to self-expression; bottom to top: traditional to secular."
        )
        absent = sum(one.kind == "model" for one in picture.not_placed)
        if absent:
            verb = "model was" if absent == 1 else "models were"
            caption_text += (
                f" {absent} {verb} not asked all fourteen questions that place one here."
            )
        return caption_text
    outside = [mark.outside for mark in models if mark.outside is not None]
    caption_text = (
        "Countries by their answers: near means alike in the two directions that differ most."
    )
    if outside:
        caption_text += (
            f" {min(outside):.0%} to {max(outside):.0%} of the models' offset lies outside this "
            "plane: they are drawn near countries that they do not answer like."
        )
    return caption_text


def _drawing(
    picture: MapPicture, models: Mapping[str, Link], size: Size, *, country_page: str | None
) -> str:
    last = max((mark.wave for mark in picture.marks), default=0)
    marks = [mark for mark in picture.marks if mark.wave == last]
    place = _placing(marks, size)
    labels = _Labels(size)
    labels.taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in (place(mark) for mark in marks)]
    people = [mark for mark in marks if mark.kind == "country"]
    named = [mark for mark in marks if mark.kind == "model"]
    # Models take their room first and are drawn last, over the countries.
    named.sort(key=lambda one: (one.name in models and models[one.name].mine, one.y))
    shapes = [labels.model(mark, place, models) for mark in named]
    below = [labels.country(mark, place, country_page) for mark in people]
    return (
        f'<svg class="oa-plane-{size.name}" viewBox="0 0 {size.width} {size.height}" role="group" '
        f'aria-label="{esc(picture.title)}: {len(people)} countries, {len(named)} models">'
        f'<rect class="oa-plane-back" width="{size.width}" height="{size.height}"/>'
        f"{''.join(_axes(picture, size))}{''.join(below)}{''.join(shapes)}</svg>"
    )


class _Placing(NamedTuple):
    """Positions to drawing units, one scale for both directions so that distances are true."""

    x: float
    y: float
    scale: float
    size: Size

    def __call__(self, mark: Mark) -> tuple[float, float]:
        return (
            round(self.size.width / 2 + (mark.x - self.x) * self.scale, 1),
            round(self.size.height / 2 - (mark.y - self.y) * self.scale, 1),
        )


def _placing(marks: Sequence[Mark], size: Size) -> _Placing:
    xs, ys = [mark.x for mark in marks] or [0.0], [mark.y for mark in marks] or [0.0]
    wide, high = (max(xs) - min(xs)) or 1.0, (max(ys) - min(ys)) or 1.0
    scale = min((size.width - 6 * _EDGE) / wide, (size.height - 4 * _EDGE) / high)
    return _Placing((max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2, scale, size)


def _axes(picture: MapPicture, size: Size) -> Iterator[str]:
    across, up = picture.axes
    texts = [
        f"{axis.low} → {axis.high}"
        if axis.low
        else f"{axis.name}{f', {axis.variance:.0%} of variance' if axis.variance else ''}"
        for axis in (across, up)
    ]
    if size.countries:
        yield (
            f'<text class="oa-axis" x="{size.width - 8}" y="{size.height - 8}" '
            f'text-anchor="end">{esc(texts[0])}</text>'
        )
        yield (
            f'<text class="oa-axis" transform="translate(16 8) rotate(-90)" '
            f'text-anchor="end">{esc(texts[1])}</text>'
        )


Box = tuple[float, float, float, float]


class _Labels:
    """Draws marks and finds room for their names."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.taken: list[Box] = []

    def model(self, mark: Mark, place: _Placing, models: Mapping[str, Link]) -> str:
        x, y = place(mark)
        known = models.get(mark.name, Link(mark.name, ""))
        outside = f"; {mark.outside:.0%} of its offset is outside" if mark.outside else ""
        tip = f"{known.name}{outside}"
        self.taken.append((x - 6, y - 6, x + 6, y + 6))
        at = self._room(x, y, known.name, must=True, letter=BOLD)
        shape = f'<path d="M{x} {y - 7}L{x + 7} {y}L{x} {y + 7}L{x - 7} {y}Z"/>'
        kind = "oa-mark-model oa-mark-mine" if known.mine else "oa-mark-model"
        return _linked(kind, known.address, tip, shape, known.name, at, (x, y))

    def country(self, mark: Mark, place: _Placing, page: str | None) -> str:
        x, y = place(mark)
        name = country_name(mark.name)
        at = self._room(x, y, mark.name, must=False) if self.size.countries else None
        shape = f'<circle cx="{x}" cy="{y}" r="4"/>'
        address = f"{page}?country={mark.name}" if page else ""
        return _linked(
            f"oa-mark-country {_continent_class(continent_of(mark.name))}",
            address,
            name,
            shape,
            mark.name,
            at,
            (x, y),
        )

    def _room(
        self, x: float, y: float, text: str, *, must: bool, letter: float = PLAIN
    ) -> tuple[float, float] | None:
        """Left end of a name's base line; None where there is no room and none must be."""
        wide, high = letter * self.size.letter * len(text), self.size.letter
        steps = range(-9, 10) if must else range(-1, 2)
        places = [(9.0, 0.0), (-9 - wide, 0.0)]
        places += [(dx, step * high * 0.9) for step in sorted(steps, key=abs) if step
                   for dx in (11.0, -11 - wide)]  # fmt: skip
        boxes = [(x + dx, y + dy - high / 2, x + dx + wide, y + dy + high / 2) for dx, dy in places]
        inside = [b for b in boxes if b[0] > 2 and b[2] < self.size.width - 2 and b[1] > 2
                  and b[3] < self.size.height - 2]  # fmt: skip
        free = next((b for b in inside if not any(_meet(b, other) for other in self.taken)), None)
        if free is None:
            if not must:
                return None
            free = (inside or boxes)[0]
        self.taken.append(free)
        return round(free[0], 1), round(free[3] - high * 0.2, 1)


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _linked(
    kind: str,
    address: str,
    tip: str,
    shape: str,
    label: str,
    at: tuple[float, float] | None,
    centre: tuple[float, float],
) -> str:
    text = leader = ""
    if at is not None:
        text = f'<text x="{at[0]}" y="{at[1]}">{esc(label)}</text>'
        if abs(at[1] - centre[1]) > 12:
            end = at[0] - 2 if at[0] > centre[0] else centre[0] - 9
            leader = f'<path class="oa-leader" d="M{centre[0]} {centre[1]}L{end} {at[1] - 4}"/>'
    inner = f"<title>{esc(tip)}</title>{leader}{shape}{text}"
    if not address:
        return f'<g class="{kind}" data-tip="{esc(tip)}" tabindex="0">{inner}</g>'
    return (
        f'<a class="{kind}" href="{esc(address)}" data-tip="{esc(tip)}" '
        f'aria-label="{esc(tip)}">{inner}</a>'
    )

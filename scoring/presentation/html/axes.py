"""Axes and colours of the figures: numbers to places on the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Colour classes of the map and the matrix, `c0` (lowest) to `c6`; `style.css` holds the colours.
COLOUR_CLASSES = 7

#: Class of what has no score.
NO_SCORE = "none"


@dataclass(frozen=True)
class Axis:
    """A linear axis from `low` to `high`, drawn from pixel `start` to pixel `end`."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def place(self, number: float) -> float:
        """Pixel of a number, rounded to a tenth; numbers beyond the axis stand at its end."""
        share = (min(max(number, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def digits(self) -> int:
        """Decimals that tell the ticks apart."""
        step = self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else 1.0
        return max(0, -math.floor(math.log10(step) + 1e-9))

    def label(self, tick: float) -> str:
        """A tick as text; zero has no sign."""
        return f"{tick + 0.0:.{self.digits}f}"


def make_axis(
    numbers: Iterable[float | None],
    *,
    start: float,
    end: float,
    steps: int = 5,
    limits: tuple[float, float] | None = None,
) -> Axis:
    """An axis of round ticks that holds all `numbers`, never beyond `limits`."""
    finite_numbers = [number for number in numbers if number is not None and math.isfinite(number)]
    low, high = (min(finite_numbers), max(finite_numbers)) if finite_numbers else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    step = _round_step((high - low) / steps)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if limits is not None:
        first = max(first, round(limits[0] / step))
        last = min(last, round(limits[1] / step))
    if first >= last:
        last = first + 1
    ticks = tuple(round(place * step, 10) for place in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], start, end, ticks)


def _round_step(rough: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(base * power for base in (1, 2, 5, 10) if base * power >= rough * (1 - 1e-9))


@dataclass(frozen=True)
class ColourScale:
    """Equal bins from the least to the greatest number, one colour class each."""

    low: float
    high: float

    def name(self, number: float | None) -> str:
        """Class of a number, `none` for none."""
        if number is None:
            return NO_SCORE
        if self.high <= self.low:
            return f"c{COLOUR_CLASSES // 2}"
        share = (number - self.low) / (self.high - self.low)
        return f"c{min(COLOUR_CLASSES - 1, max(0, int(share * COLOUR_CLASSES)))}"

    @property
    def legend(self) -> list[tuple[str, float, float]]:
        """(class, from, to) of every bin."""
        step = (self.high - self.low) / COLOUR_CLASSES
        return [
            (f"c{place}", self.low + place * step, self.low + (place + 1) * step)
            for place in range(COLOUR_CLASSES)
        ]


def colour_scale(numbers: Sequence[float | None]) -> ColourScale:
    """The scale that spans all numbers."""
    known_numbers = [number for number in numbers if number is not None]
    return (
        ColourScale(min(known_numbers), max(known_numbers))
        if known_numbers
        else ColourScale(0.0, 1.0)
    )

"""Codes that the codebook lacks: counted by country and variable, kept, blanked or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contracts.errors import Problem
from contracts.release.manifest import CodeCount
from dataset_builder.reading.coding import UNKNOWN, Coder, Unlisted, allowed_text

_HINT = (
    "Correct the file, add the code to the codebook, or pass --allow-unknown to count such "
    "answers as missing; where they are more than 2 % of a question's answers in a country, all "
    "its answers there are left out"
)

#: A country's unlisted codes of one variable are named one by one up to this many.
MOST_LISTED = 20


@dataclass
class UnlistedCodes:
    """Counts of unlisted codes of a file, by (variable, country, text, strict)."""

    counts: Counter[tuple[str, int, str, bool]] = field(default_factory=Counter)
    no_code: set[tuple[str, str]] = field(default_factory=set)

    def add(self, coder: Coder, unlisted: Unlisted, country: NDArray[np.int64]) -> None:
        """Count what a block of `coder.variable` holds; `country` is its rows' country code."""
        at_home = country[unlisted.rows]
        numbers = unlisted.codes != UNKNOWN
        pairs = np.stack([at_home[numbers], unlisted.codes[numbers]])
        distinct, counts = np.unique(pairs, axis=1, return_counts=True)
        for place, code, count in zip(*distinct.tolist(), counts.tolist(), strict=True):
            self.counts[coder.variable, place, str(code), coder.strict] += count
        for place, text in zip(at_home[~numbers].tolist(), unlisted.texts, strict=True):
            self.no_code.add((coder.variable, text))
            self.counts[coder.variable, place, text, coder.strict] += 1

    def has(self, variable: str) -> bool:
        """Whether there are any of a variable."""
        return any(key[0] == variable for key in self.counts)

    def problems(
        self, *, where: str, coders: Mapping[str, Coder], name: Callable[[int], str]
    ) -> list[Problem]:
        """A problem for every unlisted code of a strict variable, with all its countries."""
        places: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for (variable, country, text, strict), count in sorted(self.counts.items()):
            if strict:
                places.setdefault((variable, text), []).append((name(country), count))
        return [
            Problem(
                "unknown-code",
                f"{variable} ({_listed(country_counts)}): {self._kind(variable, text)} "
                f"{text!r} is not in the codebook",
                where=where,
                column=variable,
                found=text,
                allowed=allowed_text(variable, coders[variable].allowed),
                count=sum(count for _, count in country_counts),
                hint=_HINT,
            )
            for (variable, text), country_counts in places.items()
        ]

    def _kind(self, variable: str, text: str) -> str:
        return "label" if (variable, text) in self.no_code else "code"

    def listing(self, name: Callable[[int], str]) -> tuple[CodeCount, ...]:
        """All unlisted codes with what was done about them, for the manifest.

        Where a country has more than `MOST_LISTED` of them in one variable (towns), they are
        counted together.
        """
        grouped: dict[tuple[str, int, str], list[tuple[str, int]]] = {}
        for (variable, country, text, strict), count in sorted(self.counts.items()):
            lost = strict or (variable, text) in self.no_code
            treatment = "set missing" if lost else "kept"
            grouped.setdefault((variable, country, treatment), []).append((text, count))
        listed = []
        for (variable, country, treatment), codes in grouped.items():
            for text, count in _summed_up(codes):
                listed.append(
                    CodeCount(
                        variable=variable,
                        code=text,
                        count=count,
                        country=name(country),
                        treatment="kept" if treatment == "kept" else "set missing",
                    )
                )
        return tuple(listed)


def _listed(places: list[tuple[str, int]]) -> str:
    """The countries that hold a code, with how often each where there are several."""
    if len(places) == 1:
        return places[0][0]
    shown = [f"{country} {count}" for country, count in places[:MOST_LISTED]]
    more = [f"{len(places) - MOST_LISTED} more countries"] if len(places) > MOST_LISTED else []
    return ", ".join([*shown, *more])


def _summed_up(codes: list[tuple[str, int]]) -> list[tuple[str, int]]:
    if len(codes) <= MOST_LISTED:
        return codes
    shown = ", ".join(text for text, _ in codes[:3])
    return [(f"{shown}, ... ({len(codes)} codes)", sum(count for _, count in codes))]

"""What people answered: published shares of everyone in a country, read from a release once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contracts.release.read import Release

#: A question in a country in a wave.
Key = tuple[int, str, str]


@dataclass(frozen=True)
class Answers:
    """What the people of a country answered to a question.

    Attributes:
        codes: raw codes in the order of positions.
        shares: weighted share of each code; none where the cell says only why it has none.
        errors: standard errors of the shares.
        n: number of valid answers, rounded.
        n_eff: effective sample size, rounded.
        n_eff_kind: how it was found: `design`, `kish` or `assumed`.
        missing: number of respondents without a valid answer, rounded; None where unknown.
        flag: doubts about the cell, else "".
    """

    codes: tuple[int, ...]
    shares: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    n: int
    n_eff: float | None
    n_eff_kind: str
    missing: int | None
    flag: str


@dataclass(frozen=True)
class People:
    """The answers of a release, everyone of a country together.

    Only published figures are read: of a private release, its public view.
    """

    release: Release

    @property
    def title(self) -> str:
        """Name and version of the release."""
        return f"{self.release.manifest.name} {self.release.manifest.release_version}"

    @cached_property
    def answers(self) -> Mapping[Key, Answers]:
        """Answers by (wave, country, question_id)."""
        return _read(self.release.protected())

    @cached_property
    def made(self) -> dict[Hashable, Any]:
        """What others have made of the answers and will need again, by key."""
        return {}

    @cached_property
    def waves(self) -> tuple[int, ...]:
        """Waves that the release holds, newest first."""
        return tuple(sorted({key[0] for key in self.answers}, reverse=True))

    def countries(self, wave: int) -> tuple[str, ...]:
        """Countries of a wave, by code."""
        return tuple(sorted({key[1] for key in self.answers if key[0] == wave}))

    def questions(self, wave: int) -> frozenset[str]:
        """Questions asked somewhere in a wave."""
        return frozenset(key[2] for key in self.answers if key[0] == wave)


def _read(release: Release) -> Mapping[Key, Answers]:
    import pyarrow.dataset as ds

    columns = [
        "wave",
        "country",
        "question_id",
        "code",
        "position",
        "weighted_share",
        "se",
        "n_valid",
        "n_eff",
        "n_eff_kind",
        "flag",
        "missing_total",
    ]
    where = (ds.field("split") == "all") & (ds.field("group") == "")
    table = release.table("distributions", columns=columns, where=where)
    table = table.sort_by(
        [(name, "ascending") for name in ("wave", "country", "question_id", "position")]
    )
    listed = table.to_pydict()
    starts: list[tuple[Key, int]] = []
    keys = zip(listed["wave"], listed["country"], listed["question_id"], strict=True)
    for at, key in enumerate(keys):
        if not starts or starts[-1][0] != key:
            starts.append((key, at))
    ends = [at for _, at in starts[1:]] + [table.num_rows]
    return {key: _answers(listed, at, end) for (key, at), end in zip(starts, ends, strict=True)}


def _answers(listed: Mapping[str, list], start: int, end: int) -> Answers:  # type: ignore[type-arg]
    """One cell from its rows; a row without a code has neither options nor shares."""
    options = slice(start, end) if listed["code"][start] is not None else slice(start, start)
    return Answers(
        codes=tuple(listed["code"][options]),
        shares=tuple(listed["weighted_share"][options]),
        errors=tuple(listed["se"][options]),
        n=int(listed["n_valid"][start] or 0),
        n_eff=listed["n_eff"][start],
        n_eff_kind=listed["n_eff_kind"][start],
        missing=listed["missing_total"][start],
        flag=listed["flag"][start] or "",
    )

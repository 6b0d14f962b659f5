"""What people answered: shares of everyone in a country, read from a release once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from codebook.missing import MissingKind
from contracts.disclosure import MINIMUM_CELL, enough
from contracts.release import Release
from contracts.tables import MISSING_COUNT_COLUMNS

#: Said of a cell whose shares are not shown.
WITHHELD = f"fewer than {MINIMUM_CELL} valid answers: not shown"

#: A question in a country in a wave.
Key = tuple[int, str, str]


@dataclass(frozen=True)
class Answers:
    """What the people of a country answered to a question.

    Attributes:
        codes: raw codes in the order of positions.
        shares: weighted share of each code; None where nobody answered.
        errors: standard errors of the shares.
        n: number of valid answers.
        n_eff: effective sample size.
        n_eff_estimated: whether n_eff was estimated from a design effect.
        missing: count of each kind of missing answer.
        flag: doubts about the cell, else "".
    """

    codes: tuple[int, ...]
    shares: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    n: int
    n_eff: float | None
    n_eff_estimated: bool
    missing: Mapping[str, int]
    flag: str


@dataclass(frozen=True)
class People:
    """The answers of a release, everyone of a country together."""

    release: Release

    @property
    def title(self) -> str:
        """Name and version of the release."""
        return f"{self.release.manifest.name} {self.release.manifest.release_version}"

    @cached_property
    def answers(self) -> Mapping[Key, Answers]:
        """Answers by (wave, country, question_id)."""
        return _read(self.release)

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
        "n_eff_estimated",
        "flag",
        *MISSING_COUNT_COLUMNS,
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
    """One cell; the shares of fewer people than the disclosure rule allows are withheld."""
    found = _cell(listed, start, end)
    if found.n == 0 or enough(found.n):
        return found
    nothing = (None,) * len(found.codes)
    return replace(found, shares=nothing, errors=nothing, flag=WITHHELD)


def _cell(listed: Mapping[str, list], start: int, end: int) -> Answers:  # type: ignore[type-arg]
    return Answers(
        codes=tuple(listed["code"][start:end]),
        shares=tuple(listed["weighted_share"][start:end]),
        errors=tuple(listed["se"][start:end]),
        n=int(listed["n_valid"][start] or 0),
        n_eff=listed["n_eff"][start],
        n_eff_estimated=bool(listed["n_eff_estimated"][start]),
        missing={name: int(listed[name][start] or 0) for name in MISSING_COUNT_COLUMNS},
        flag=listed["flag"][start] or "",
    )


#: Kinds of missing answers in words, by column.
MISSING_TITLES = {
    **{kind.column: kind.name.replace("_", " ").lower() for kind in MissingKind},
    MissingKind.DONT_KNOW.column: "don't know",
    "off_scale_count": "answers off the scale",
}

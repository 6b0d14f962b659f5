"""Real answer distributions of a release, for the examples of few-shot prompts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from codebook import value_questions
from contracts.release import Release


class RealShares:
    """Weighted shares of a wave by country, group and question, read once when first asked for.

    They are public figures: prompts leave this machine.
    """

    def __init__(self, release: Release, *, wave: int, question_ids: tuple[str, ...]) -> None:
        self._release = release
        self._wave = wave
        self._question_ids = question_ids

    def shares(self, country: str, group: str, question_id: str) -> Mapping[int, float] | None:
        """Share of everyone's answers by raw code, over the codes on offer; None where the
        release has none for this cell."""
        found = self._cells.get((country, group, question_id))
        scale = value_questions()[question_id].scale
        if found is None or scale is None:
            return None
        offered = {code: found.get(code, 0.0) for code in scale.offered}
        total = sum(offered.values())
        return {code: weight / total for code, weight in offered.items()} if total > 0 else None

    def countries(self) -> tuple[str, ...]:
        """Countries with answers in the wave, sorted."""
        return tuple(sorted({country for country, _, _ in self._cells}))

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str], dict[int, float]]:
        import pyarrow.compute as pc

        where = (
            (pc.field("wave") == self._wave)
            & (pc.field("split") == "all")
            & pc.field("question_id").isin(list(self._question_ids))
        )
        columns = ["country", "group", "question_id", "code", "weighted_share"]
        where &= pc.field("code").is_valid()
        view = self._release.protected()
        table = view.table("distributions", columns=columns, where=where)
        cells: dict[tuple[str, str, str], dict[int, float]] = {}
        for country, group, question, code, share in zip(
            *(table.column(name).to_pylist() for name in columns), strict=True
        ):
            cells.setdefault((country, group, question), {})[code] = share
        return cells

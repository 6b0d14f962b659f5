"""The examples of a prompt: of the form alone, or with people's real answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from codebook import value_questions
from codebook.questions import few_shot_ids, steering_countries
from codebook.render.question import RenderedQuestion
from contracts.digests import sha256_text
from contracts.errors import fail
from contracts.release.read import Release


class Example(NamedTuple):
    """A question with the shares of its answers by raw code."""

    question_id: str
    shares: Mapping[int, float]


def example_pool() -> tuple[str, ...]:
    """Ids of every question that some country has as an example, in questionnaire order."""
    ids = {key for c in (None, *steering_countries()) for key in few_shot_ids(c)}
    return tuple(key for key in value_questions() if key in ids)


def form_examples(*, count: int, seed: int) -> tuple[Example, ...]:
    """Examples that show only the form: the default questions with shares drawn at random.

    Shares are uniform on the simplex (Dirichlet with all parameters 1); the same seed draws the
    same shares for a question on every machine.
    """
    examples = []
    for key in few_shot_ids()[:count]:
        scale = value_questions()[key].scale
        assert scale is not None
        rng = np.random.default_rng([seed, int(sha256_text(key)[:8], 16)])
        drawn = rng.dirichlet(np.ones(len(scale.offered)))
        examples.append(Example(key, dict(zip(scale.offered, map(float, drawn), strict=True))))
    return tuple(examples)


def real_examples(real: RealShares, *, country: str, group: str, count: int) -> tuple[Example, ...]:
    """Examples with a country's (or group's) real shares.

    The study's questions for the country come first; one that the release has no answers to
    gives way to the next of the pool.

    Raises:
        ContractError: the release answers too few of them.
    """
    wanted = dict.fromkeys((*few_shot_ids(country), *example_pool()))
    examples = []
    for key in wanted:
        shares = real.shares(country, group, key)
        if shares is not None:
            examples.append(Example(key, shares))
        if len(examples) == count:
            return tuple(examples)
    whose = f"{country}, {group}" if group else country
    raise fail(
        "no-examples",
        f"few-shot steering shows {count} real distributions, and the release has fewer of {whose}",
        column="--steer",
        found=str(len(examples)),
        hint="Leave the country out of --countries, or take a release that holds it.",
    )


def shares_text(question: RenderedQuestion, shares: Mapping[int, float]) -> str:
    """Shares as the reply that a model is to give: JSON, percentages by label.

    One decimal, so rounded that they add up to exactly 100 (largest remainders).
    """
    codes = [option.code for option in question.options]
    tenths = largest_remainders([shares[code] for code in codes], 1000)
    pairs = zip(question.options, tenths, strict=True)
    return json.dumps({option.label: count / 10 for option, count in pairs})


def largest_remainders(shares: Sequence[float], total: int) -> list[int]:
    """Whole numbers that sum to `total`, in proportion to shares that sum to 1."""
    exact = [share * total for share in shares]
    floors = [int(amount) for amount in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    for index in by_remainder[: total - sum(floors)]:
        floors[index] += 1
    return floors


class RealShares:
    """Shares of a wave by country, group and question, read once when first asked for.

    They are public figures: prompts leave this machine.

    Args:
        release: where they stand.
        wave: their wave.
        question_ids: their questions.
        weighted: by the survey's design weights, or plain shares of respondents, which the
            alignment study showed.
    """

    def __init__(
        self,
        release: Release,
        *,
        wave: int,
        question_ids: tuple[str, ...],
        weighted: bool = True,
    ) -> None:
        self._release = release
        self._wave = wave
        self._question_ids = question_ids
        self._column = "weighted_share" if weighted else "unweighted_share"

    def shares(self, country: str, group: str, question_id: str) -> Mapping[int, float] | None:
        """Share of everyone's answers by raw code, over the codes on offer; None where the
        release has none for this cell."""
        weights = self._cells.get((country, group, question_id))
        scale = value_questions()[question_id].scale
        if weights is None or scale is None:
            return None
        offered = {code: weights.get(code, 0.0) for code in scale.offered}
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
        columns = ["country", "group", "question_id", "code", self._column]
        where &= pc.field("code").is_valid()
        view = self._release.protected()
        table = view.table("distributions", columns=columns, where=where)
        cells: dict[tuple[str, str, str], dict[int, float]] = {}
        for country, group, question, code, share in zip(
            *(table.column(name).to_pylist() for name in columns), strict=True
        ):
            cells.setdefault((country, group, question), {})[code] = share
        return cells

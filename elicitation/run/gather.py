"""From stored responses to answers, and from answers to predictions files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from types import MappingProxyType
from typing import Any, NamedTuple

from contracts.digests import sha256_text
from elicitation.backends.base import Response
from elicitation.backends.completions import elsewhere
from elicitation.prompts.prompts import Shown, ShownOption
from elicitation.reading import Answer, Option, read_reply
from elicitation.run.store import ItemRecord, StoredItem


def answer_of(
    shown: Shown, response: Response, *, text: str | None = None, min_mass: float = 0.0
) -> Answer:
    """A response, read: what its first reply says, or what its scores are.

    Args:
        shown: what the prompt offered.
        response: the response.
        text: read in place of the first reply.
        min_mass: least mass of all labels, see `scores_answer`.
    """
    if response.status == "error":
        return Answer("error", notes=(response.error,) if response.error else ())
    if shown.reader == "scores":
        known = response.logprobs_kind != "constrained"  # which is renormalised over the labels
        return scores_answer(shown, response.option_logprobs, mass_known=known, min_mass=min_mass)
    if response.status == "refused" and not any(response.texts):
        return Answer("refused", notes=("withheld",))
    options = [Option(option.label, option.text) for option in shown.options]
    reply_text = text if text is not None else (response.texts[0] if response.texts else "")
    answer = read_reply(
        reply_text,
        options,
        reader=shown.reader,
        wanted=shown.wanted,
        cut_off=response.status == "truncated",
    )
    if reply_text.strip() or answer.is_usable:
        return answer
    return replace(answer, notes=(*answer.notes, *elsewhere(response.raw)))


def scores_answer(
    shown: Shown,
    logprobs: Sequence[float | None],
    *,
    mass_known: bool = True,
    min_mass: float = 0.0,
) -> Answer:
    """Shares of the options from their log-probabilities, renormalised in log space.

    p_k = exp(l_k - log sum_j exp(l_j)). An option that was not measured (censored) leaves the
    shares unknown: it is never taken for zero. Where all options together hold less than
    `min_mass` of the probability, the model was about to say something else, and the answer is
    invalid.

    Args:
        shown: what the prompt offered.
        logprobs: log-probability of each option.
        mass_known: whether they are of the whole distribution, not renormalised over the options.
        min_mass: least mass, 0 for any.
    """
    if len(logprobs) != len(shown.options):
        return Answer("invalid", notes=("scores-missing",))
    if any(score is None or math.isnan(score) for score in logprobs):
        return Answer("invalid", notes=("censored",))
    scores = [float(score) for score in logprobs if score is not None]
    highest = max(scores)
    if highest == -math.inf:
        return Answer("invalid", notes=("no-probability",))
    masses = [math.exp(score - highest) for score in scores]
    total = math.fsum(masses)
    mass = min(math.exp(highest) * total, 1.0) if mass_known else None
    if mass is not None and mass < min_mass:
        return Answer("invalid", mass=mass, notes=("label-mass",))
    labels = [option.label for option in shown.options]
    shares = dict(zip(labels, (m / total for m in masses), strict=True))
    return Answer("ok", shares, sum_found=1.0, mass=mass)


def best_answer(stored: StoredItem, *, min_mass: float = 0.0) -> tuple[Answer, bool]:
    """The answer of an item, and whether it came from the second try."""
    first = answer_of(stored.record.shown, stored.response, min_mass=min_mass)
    if first.is_usable or stored.again is None:
        return first, False
    second = answer_of(stored.record.shown, stored.again)
    return (second, True) if second.is_usable else (first, False)


class Gathered(NamedTuple):
    """Records of a predictions file and what was counted on the way.

    Attributes:
        records: the records.
        statuses: answers by status.
        notes: repairs and reasons.
        second_tries: answers taken from the second try.
        scored_by: scored answers by the scorer of a local model (tree, cached, ...), or by the
            kind of log-probabilities that a server gave.
        masses: mass of all labels or options of each scored answer, as far as known.
    """

    records: list[dict[str, Any]]
    statuses: Counter[str]
    notes: Counter[str]
    second_tries: int
    scored_by: Mapping[str, int] = MappingProxyType({})
    masses: Sequence[float] = ()


class _Tally:
    """Reads items, and counts what `Gathered` says of them."""

    def __init__(self, min_mass: float = 0.0) -> None:
        self._min_mass = min_mass
        self._statuses: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()
        self._scored: Counter[str] = Counter()
        self._masses: list[float] = []
        self._tries = 0

    def read(self, stored: StoredItem) -> Answer:
        """The answer of an item, counted."""
        answer, second = best_answer(stored, min_mass=self._min_mass)
        self._statuses[answer.status] += 1
        self._notes.update(answer.notes)
        self._tries += second
        if answer.mass is not None:
            self._masses.append(answer.mass)
        response = stored.response
        if response.option_logprobs:
            self._scored[str(response.raw.get("scorer") or response.logprobs_kind)] += 1
        return answer

    def gathered(self, records: list[dict[str, Any]]) -> Gathered:
        """The records with what was counted."""
        return Gathered(
            records, self._statuses, self._notes, self._tries, self._scored, self._masses
        )


def gather_distributions(items: Iterable[StoredItem], *, min_mass: float = 0.0) -> Gathered:
    """Distribution records: repeats of a cell are averaged over those that can be read.

    A cell's status is `ok` where all its readable repeats were, `repaired` where one needed
    repair; where under half of them can be read it is `invalid`, and without any that of the
    first. Cells of several repeats hold how many were asked and how many could be read.
    """
    tally = _Tally(min_mass)
    cells: dict[tuple[str, str, str], list[tuple[Shown, Answer]]] = {}
    for stored in items:
        answer = tally.read(stored)
        spec = stored.record.spec
        key = (spec["question_id"], spec.get("country", ""), spec.get("group", ""))
        cells.setdefault(key, []).append((stored.record.shown, answer))
    records = [_cell_record(key, answers) for key, answers in cells.items()]
    return tally.gathered(records)


def _cell_record(
    key: tuple[str, str, str], answers: Sequence[tuple[Shown, Answer]]
) -> dict[str, Any]:
    question_id, country, group = key
    record: dict[str, Any] = {"question_id": question_id, "country": country, "group": group}
    usable = [(shown, answer) for shown, answer in answers if answer.shares is not None]
    masses = [answer.mass for _, answer in answers if answer.mass is not None]
    if masses:
        record["label_mass"] = float(f"{math.fsum(masses) / len(masses):.6g}")
    if len(answers) > 1:
        record |= {"asked": len(answers), "readable": len(usable)}
    if 2 * len(usable) < len(answers):
        unread = [answer for _, answer in answers if answer.shares is None]
        status = _unusable(unread[0]) if not usable else "invalid"
        return {**record, "shares": {}, "status": status}
    totals: dict[str, float] = {}
    for shown, answer in usable:
        for code, share in by_code(shown, answer.shares or {}).items():
            totals[code] = totals.get(code, 0.0) + share / len(usable)
    repaired = any(answer.status == "repaired" for _, answer in usable)
    return {**record, "shares": totals, "status": "repaired" if repaired else "ok"}


def _unusable(answer: Answer) -> str:
    """Status in a predictions file of an answer without shares."""
    if answer.status == "refused":
        return "refused"
    return "missing" if answer.status == "error" else "invalid"


def by_code(shown: Shown, shares: Mapping[str, float]) -> dict[str, float]:
    """Shares by raw code, in the order of the codes shown, from shares by label."""
    return {str(option.code): shares[option.label] for option in shown.options}


def gather_ratings(items: Iterable[StoredItem], *, raw_codes: bool) -> Gathered:
    """Rating records: the number as said; a person's repeats follow each other.

    Args:
        items: answered items.
        raw_codes: write the raw code that a label stands for (None off the scale) instead of
            the label itself.
    """
    tally, records = _Tally(), []
    for stored in items:
        answer = tally.read(stored)
        spec = stored.record.spec
        record: dict[str, Any] = {"question_id": spec["question_id"]}
        if "participant" in spec:
            record["participant"] = spec["participant"]
        else:
            record["sample"] = spec["repeat"]
        shown = stored.record.shown
        turned = "turned" in spec
        record["score"] = (
            _raw_score(shown, answer) if raw_codes else _label_score(shown, answer, turned=turned)
        )
        records.append(record)
    return tally.gathered(records)


def gather_persons(
    items: Iterable[StoredItem], *, min_mass: float = 0.0, seed: int = 0
) -> Gathered:
    """Records of synthetic respondents: the raw code of each answer, None where it could not be
    read or was refused.

    Args:
        items: answered items.
        min_mass: least mass of all labels, see `scores_answer`.
        seed: of the draws from scored answers, see `chosen_option`.
    """
    tally, records = _Tally(min_mass), []
    for stored in items:
        answer = tally.read(stored)
        spec = stored.record.spec
        chosen = chosen_option(stored.record, answer, seed=seed)
        records.append(
            {
                "person_id": spec["person"],
                "country": spec["country"],
                "group": spec.get("group", ""),
                "question_id": spec["question_id"],
                "code": None if chosen is None else int(chosen.code),
            }
        )
    return tally.gathered(records)


def chosen_option(record: ItemRecord, answer: Answer, *, seed: int) -> ShownOption | None:
    """The one option that an answer names; one drawn by its shares where options were scored.

    The draw depends on the seed and the item's name alone: reading again gives the same answers.
    """
    if answer.shares is None:
        return None
    options = record.shown.options
    shares = [answer.shares[option.label] for option in options]
    if record.shown.reader != "scores":
        return options[max(range(len(shares)), key=shares.__getitem__)]
    drawn = int(sha256_text(f"{seed} {record.item_id}")[:13], 16) / 16**13
    for option, reached in zip(options, accumulate(shares), strict=True):
        if drawn < reached:
            return option
    return options[-1]


def _raw_score(shown: Shown, answer: Answer) -> float | None:
    for option in shown.options:
        if answer.score == float(option.label):
            return float(option.code)
    return None


def _label_score(shown: Shown, answer: Answer, *, turned: bool) -> float | None:
    """The number as said; on a scale that was turned round, turned back."""
    if answer.score is None or not turned:
        return answer.score
    numbers = [int(option.label) for option in shown.options]
    return min(numbers) + max(numbers) - answer.score


def cell_order(records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Records in the codebook's order of questions, then by country and group; those of
    synthetic respondents person by person."""
    from codebook import value_questions

    place = {key: index for index, key in enumerate(value_questions())}
    return iter(
        sorted(
            records,
            key=lambda r: (
                r.get("person_id", ""),
                place.get(r.get("question_id", ""), -1),
                r.get("country", ""),
                r.get("group", ""),
            ),
        )
    )

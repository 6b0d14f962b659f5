"""The tools, over a board's store and the people's answers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codebook import value_questions
from codebook.countries import countries
from codebook.render.question import label_text, render_question
from contracts.errors import ContractError, fail
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import Predictions, read_predictions, write_predictions
from contracts.report import CountryEntry, Report
from space.agents.answers import (
    BoardAnswer,
    BoardRow,
    ClosestRow,
    CompareAnswer,
    CountryAnswer,
    CountryScore,
    GivenAnswer,
    Interval,
    ModelAnswer,
    PairAnswer,
    PeopleAnswer,
    QuestionAnswer,
    QuestionSpread,
    ScoreAnswer,
)
from space.board.columns import FACETS, FULL_COVERAGE
from space.board.facts import Facts, read_facts
from space.board.figures.compare import compare_rows
from space.board.page import read_board
from space.board.query import parse_query
from space.board.store import Store
from space.board.survey_answers import Answers, People
from space.render.closest import closest_rows

#: Rows of one page of the board.
PAGE_ROWS = 20

#: Rows that come nearest, and questions that differ most, in one answer.
SHOWN = 10

#: Most answers that one call scores: all questions in all countries of a wave.
MOST_ANSWERS = 20_000

#: Questions that are offered where a name is none.
_OFFERED = 8

#: Scores that an answer to `score` lists.
_SCORES = ("alignment", "uniform_skill", "worth_people")

#: Bootstrap replicates: intervals to two digits.
_REPLICATES = 200


class Tools:
    """What an agent can ask of a board.

    Args:
        store: the board's store.
        people: the people's answers; only published figures are read.
    """

    def __init__(self, store: Store, people: People) -> None:
        self._store, self._people = store, people

    def board(
        self, *, search: str = "", sort: str = "", page: int = 1, filters: Mapping[str, str]
    ) -> BoardAnswer:
        """One page of the board.

        Raises:
            ContractError: a filter takes no such value.
        """
        facts = read_facts(self._store)
        pairs = [("q", search), ("sort", sort), ("page", str(page))]
        for facet, name in filters.items():
            if name:
                _check_filter(facet, name, facts)
                pairs.append((facet, name))
        query = parse_query([(key, text) for key, text in pairs if text], known=facts.known)
        board_page = read_board(self._store, query, page_rows=PAGE_ROWS)
        return BoardAnswer(
            total=board_page.total,
            page=min(query.page, board_page.pages),
            pages=board_page.pages,
            rows=[_board_row(row) for row in board_page.rows],
            filters={facet: list(facts.known.get(facet, ())) for facet in FACETS},
        )

    def model(self, row: str) -> ModelAnswer:
        """What is known of one row.

        Raises:
            ContractError: the board has no such row.
        """
        report = self._store.report(row)
        meta = report.predictions.meta
        return ModelAnswer(
            row=row,
            name=meta.name or report.predictions.name,
            model=meta.model,
            revision=meta.revision,
            method=meta.method,
            steering=meta.steering,
            language=meta.language,
            prompt_version=meta.prompt_version,
            wording=meta.wording,
            trained_on_survey=meta.trained_on_wvs,
            release=f"{report.release.name} {report.release.version}",
            coverage=report.coverage.share,
            scores={score.name: _interval(score.value) for score in report.scores},
            countries=_countries(report.countries),
            warnings=[notice.message for notice in report.warnings],
        )

    def country(self, country: str, *, wave: int = 0) -> CountryAnswer:
        """One country and the rows that come nearest to its people.

        Raises:
            ContractError: the release has no such country, or not in this wave.
        """
        chosen, waves = self._wave(country, wave)
        asked = sum(key[:2] == (chosen, country) for key in self._people.answers)
        return CountryAnswer(
            country=country,
            name=countries()[country].name,
            wave=chosen,
            waves=waves,
            questions=asked,
            closest=self._closest("country", country),
        )

    def question(self, question: str, *, country: str = "", wave: int = 0) -> QuestionAnswer:
        """One question, what people answered, and the rows that come nearest.

        Raises:
            ContractError: there is no such question, or nobody was asked it there.
        """
        _check_question(question)
        chosen = self._wave(country, wave)[0] if country else wave or self._people.waves[0]
        people_by_country = {
            key[1]: _people(answers)
            for key, answers in self._people.answers.items()
            if key[0] == chosen and key[2] == question and country in ("", key[1])
        }
        if not people_by_country:
            raise fail(
                "not-asked", "the release has no answers to this question there",
                column="question", found=f"{question}, {country or 'any country'}, wave {chosen}",
                allowed=f"waves {', '.join(map(str, self._people.waves))}",
            )  # fmt: skip
        scale = value_questions()[question].scale
        codes = scale.codes if scale is not None else ()
        return QuestionAnswer(
            question=question,
            text=render_question(question).stem,
            options={str(code): label_text(question, code) for code in codes},
            wave=chosen,
            people=people_by_country,
            closest=self._closest("question", question),
        )

    def compare(self, rows: Sequence[str]) -> CompareAnswer:
        """Two to four rows over the cells that both of a pair answered.

        Raises:
            ContractError: the rows cannot be compared.
        """
        comparison = compare_rows(self._store, rows)
        return CompareAnswer(
            pairs=[
                PairAnswer(
                    first=pair.first,
                    second=pair.second,
                    questions=pair.questions,
                    countries=pair.countries,
                    first_mean=pair.first_mean,
                    second_mean=pair.second_mean,
                    difference=Interval(estimate=pair.difference, low=pair.low, high=pair.high),
                    p_value=pair.adjusted,
                )
                for pair in comparison.pairs
            ],
            questions=[
                QuestionSpread(
                    question=one.question_id,
                    means=dict(zip(comparison.rows, one.means, strict=True)),
                )
                for one in comparison.questions[:SHOWN]
            ],
        )

    def score(self, answers: Sequence[GivenAnswer]) -> ScoreAnswer:
        """How near given answers come to people's, on the public figures of the release.

        Raises:
            ContractError: an answer is of no question or country, or too many are given.
        """
        from scoring import score

        if not 1 <= len(answers) <= MOST_ANSWERS:
            raise fail(
                "too-many", "the number of answers cannot be scored at once", column="answers",
                found=str(len(answers)), allowed=f"1 to {MOST_ANSWERS}",
            )  # fmt: skip
        wave = self._people.waves[0]
        for question in {answer.question for answer in answers}:
            _check_question(question)
        for country in {answer.country for answer in answers if answer.country}:
            self._wave(country, wave)
        records = [
            {"question_id": one.question, "country": one.country, "shares": one.shares}
            for one in answers
        ]
        meta = PredictionsMeta(name="answers of an agent", method="agent")
        with tempfile.TemporaryDirectory(prefix="opinion-atlas-") as folder:
            path = Path(folder) / "answers.jsonl"
            write_predictions(path, records, meta=meta, kind="distribution")
            report = score(
                _read(path),
                self._people.release.protected(),
                questions=sorted({answer.question for answer in answers}),
                replicates=_REPLICATES,
                wave=wave,
            )
        return _score_answer(report)

    def _wave(self, country: str, wave: int) -> tuple[int, list[int]]:
        """The wave asked for, or the newest; and all with answers of the country."""
        waves = [one for one in self._people.waves if country in self._people.countries(one)]
        if not waves or (wave and wave not in waves):
            known = self._people.countries(wave if wave in self._people.waves else
                                           self._people.waves[0])  # fmt: skip
            raise fail(
                "no-country",
                "the release has no answers of this country"
                + (f" in wave {wave}" if waves else ""),
                column="country" if not waves else "wave",
                found=country if not waves else f"{country}, wave {wave}",
                allowed=", ".join(map(str, waves)) if waves else ", ".join(known),
            )
        return wave or waves[0], waves

    def _closest(self, kind: str, name: str) -> list[ClosestRow]:
        nearest_rows = closest_rows(self._store, kind=kind, name=name, limit=SHOWN)
        return [
            ClosestRow(
                row=str(row["row_id"]),
                name=str(row["name"]),
                method=str(row["method"]),
                steering=str(row["steering"]),
                language=str(row["language"]),
                alignment=Interval.model_validate(row, from_attributes=False),
            )
            for row in nearest_rows
        ]


def _read(path: Path) -> Predictions:
    """Predictions of a file that the agent knows nothing of: its answers are counted from 1.

    Raises:
        ContractError: an answer is wrong; named by its number.
    """
    try:
        return read_predictions(path)
    except ContractError as error:
        # The first record of the file is its header.
        problems = [
            replace(one, where="answers", row=None if one.row is None else one.row - 1)
            for one in error.problems
        ]
        raise ContractError(problems, subject="answers") from None


def _check_filter(facet: str, name: str, facts: Facts) -> None:
    known = facts.known.get(facet, ())
    if name not in known:
        raise fail(
            "no-such-filter", "the board has no rows of this kind", column=facet, found=name,
            allowed=", ".join(known) or "none",
        )  # fmt: skip


def _check_question(question: str) -> None:
    """Refuse what is no question; offer those whose titles hold its words."""
    known = value_questions()
    if question in known and known[question].scale is not None:
        return
    words = question.lower().split()
    near = [
        f"{key} ({one.title})"
        for key, one in known.items()
        if one.scale is not None and any(word in one.title.lower() for word in words)
    ]
    raise fail(
        "no-question", "there is no such question", column="question", found=question,
        allowed="; ".join(near[:_OFFERED]) or "Q1 to Q259, such as Q46",
    )  # fmt: skip


def _interval(estimate: Any) -> Interval:
    return Interval(estimate=estimate.estimate, low=estimate.low, high=estimate.high)


def _countries(entries: Sequence[CountryEntry]) -> list[CountryScore]:
    known = [entry for entry in entries if entry.alignment.estimate is not None]
    known.sort(key=lambda entry: -(entry.alignment.estimate or 0.0))
    return [
        CountryScore(
            country=one.country, alignment=_interval(one.alignment), questions=one.questions
        )
        for one in known
    ]


def _board_row(row: Mapping[str, Any]) -> BoardRow:
    return BoardRow(
        row=row["row_id"],
        scores={
            name: Interval(estimate=cell["estimate"], low=cell["low"], high=cell["high"])
            for name, cell in row["cells"].items()
        },
        **{
            name: row[name]
            for name in ("name", "kind", "method", "steering", "language", "rank", "ranked",
                         "coverage", "release", "scorer_version")
        },
    )  # fmt: skip


def _people(answers: Answers) -> PeopleAnswer:
    pairs = zip(answers.codes, answers.shares, strict=True)
    return PeopleAnswer(
        shares={str(code): share for code, share in pairs if share is not None},
        respondents=answers.n,
        effective_sample_size=answers.n_eff,
        flag=answers.flag,
    )


def _score_answer(report: Report) -> ScoreAnswer:
    coverage = report.coverage
    warnings = [notice.message for notice in report.warnings if notice.code not in _EXPECTED]
    if coverage.share is not None and coverage.share < FULL_COVERAGE:
        warnings.append(f"{coverage.scored} of {coverage.expected} cells were scored.")
    return ScoreAnswer(
        release=f"{report.release.name} {report.release.version}",
        cells=coverage.scored,
        scores={
            score.name: _interval(score.value) for score in report.scores if score.name in _SCORES
        },
        countries=_countries(report.countries),
        warnings=warnings,
    )


#: Notices of metadata that answers of an agent do not have.
_EXPECTED = ("metadata-defaults", "no-metadata")

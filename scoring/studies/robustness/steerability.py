"""The study of steerability: matrices of personas by peoples, for countries and for groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import fail
from contracts.models import Notice
from contracts.release.read import Release
from contracts.robustness import Advantage, PersonaMatrix, PersonaRow, SteerabilityStudy
from contracts.studies import StudyRelease
from scoring.estimates import number, row_means
from scoring.inputs.answers import groups_of, read_answers
from scoring.inputs.geometry import Floats, Geometry
from scoring.inputs.survey import Weights, read_survey
from scoring.studies.robustness.inputs import FormFile, FormSet, read_forms
from scoring.studies.robustness.personas import (
    alignment_matrix,
    own_ranks,
    permutation_test,
)

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


class _Sides(NamedTuple):
    """Answers and people of the same targets, in one order.

    Attributes:
        places: which of the matrix's targets they are, shape (P,).
        answers, people: shares, shape (P, Q, K).
        counted: questions that count for each people, shape (P, Q).
        unsteered: shares without steering for each, shape (P, Q, K); NaN where there are none.
    """

    places: Sequence[int]
    answers: Floats
    people: Floats
    counted: NDArray[np.bool_]
    unsteered: Floats

    @property
    def strict(self) -> NDArray[np.bool_]:
        """Questions of each people that every persona answered, shape (P, Q)."""
        return self.counted & np.isfinite(self.answers[..., 0]).all(axis=0)


def steerability_study(
    predictions: Sequence[Predictions],
    release: Release,
    *,
    questions: str | Sequence[str] | None = None,
    wave: int = 7,
    weights: Weights = "design",
    seed: int = 0,
    permutations: int = 9999,
) -> SteerabilityStudy:
    """Whether personas move answers towards their people more than towards others.

    Args:
        predictions: answers of one or more models, as countries or groups and without steering.
        release: the people.
        questions: a question set or ids; by default the sets that the files were made for.
        wave: wave of the people.
        weights: `design` or `none`.
        seed: seed of the permutations.
        permutations: random assignments of each test.

    Raises:
        ContractError: no file answers as two countries, or as two groups of one variable.
    """
    forms = read_forms(predictions, release, questions=questions, wave=wave, weights=weights)
    rng = np.random.default_rng(seed)
    matrices = [
        _country_matrix(forms, file, rng, permutations)
        for file in forms.files
        if len(_personas(file)) > 1
    ]
    named = {file.name: file for file in forms.files}
    without: set[str] = set()
    for one in predictions:
        if one.name in named and groups_of(one):
            matrices += _group_matrices(
                one, named[one.name], forms, release, wave, weights, rng, permutations, without
            )
    if not matrices:
        raise fail(
            "no-personas",
            "no predictions answer as two countries, or as two groups of one variable",
            found=", ".join(f"{f.name} ({f.meta.steering})" for f in forms.files[:8]),
            hint="Ask with: opinion-atlas elicit MODEL --steer none,persona --countries "
            "DEU,JPN,USA --out RUN, or with --groups sex",
        )
    return SteerabilityStudy(
        release=StudyRelease(name=release.manifest.name, digest=release.digest),
        wave=wave,
        matrices=matrices,
        seed=seed,
        notices=[*forms.notices, *_notices(forms, without)],
    )


# Countries


def _personas(file: FormFile) -> list[int]:
    """Rows of the survey's countries that a file answers as."""
    if file.answers.unsteered:
        return []
    return [row for row, scores in enumerate(file.scores) if np.isfinite(scores).any()]


def _country_matrix(
    forms: FormSet, file: FormFile, rng: np.random.Generator, permutations: int
) -> PersonaMatrix:
    rows = _personas(file)
    own = forms.of(file.model)
    counted = np.all([np.isfinite(one.scores[rows]) for one in own if _speaks(one)], axis=0)
    base = next((one for one in own if one.answers.unsteered), None)
    unsteered = np.full((len(rows), *forms.survey.shares.shape[1:]), np.nan)
    if base is not None:
        unsteered = base.answers.shares[rows]
    sides = _Sides(
        range(len(rows)), file.answers.shares[rows], forms.survey.shares[rows], counted, unsteered
    )
    names = [forms.survey.countries[row] for row in rows]
    return _matrix(file, "countries", names, [sides], forms.survey.geometry, rng, permutations)


def _speaks(file: FormFile) -> bool:
    """Whether a file holds answers for everyone or countries, not for groups alone."""
    return bool(np.isfinite(file.scores).any())


# Groups


def _group_matrices(
    one: Predictions,
    file: FormFile,
    forms: FormSet,
    release: Release,
    wave: int,
    weights: Weights,
    rng: np.random.Generator,
    permutations: int,
    without: set[str],
) -> Iterator[PersonaMatrix]:
    """A matrix for every variable of which a file answers as two groups and more; `without` gets
    the variables of which no country has people of two of them."""
    by_variable: dict[str, list[str]] = {}
    for group in groups_of(one):
        variable = ";".join(part.partition("=")[0] for part in group.split(";"))
        by_variable.setdefault(variable, []).append(group)
    geometry, known = forms.survey.geometry, _release_groups(release, wave)
    for variable, asked in by_variable.items():
        if len(asked) < 2:
            continue
        groups = [group for group in asked if group in known]
        sides = _group_sides(one, groups, forms, release, wave, weights)
        if sides:
            yield _matrix(file, variable, groups, sides, geometry, rng, permutations)
        else:
            without.add(variable)


def _release_groups(release: Release, wave: int) -> set[str]:
    """Groups that a release has people of in a wave."""
    table = release.table("distributions", columns=["group"], where=pc.field("wave") == wave)
    return set(pc.unique(table["group"]).to_pylist())


def _group_sides(
    one: Predictions,
    groups: Sequence[str],
    forms: FormSet,
    release: Release,
    wave: int,
    weights: Weights,
) -> list[_Sides]:
    """A pair of sides for every country in which two of the groups and more have people and
    answers; the others of the country are left out there."""
    geometry = forms.survey.geometry
    surveys = [
        read_survey(release, geometry, wave=wave, group=group, weights=weights) for group in groups
    ]
    answers = [
        read_answers(one, survey, group=g) for g, survey in zip(groups, surveys, strict=True)
    ]
    country_sides = []
    for country in forms.survey.countries:
        there = [n for n, survey in enumerate(surveys) if country in survey.countries]
        at = [surveys[n].countries.index(country) for n in there]
        model = np.array([answers[n].shares[row] for n, row in zip(there, at, strict=True)])
        people = np.array([surveys[n].shares[row] for n, row in zip(there, at, strict=True)])
        if len(there) < 2:
            continue
        counted = np.isfinite(model[..., 0]) & np.isfinite(people[..., 0]) & ~forms.shown
        used = np.flatnonzero(counted.any(axis=1))
        if used.size > 1:
            places = [there[n] for n in used]
            blank = np.full(model[used].shape, np.nan)
            country_sides.append(_Sides(places, model[used], people[used], counted[used], blank))
    return country_sides


# Matrices


def _matrix(
    file: FormFile,
    targets: str,
    names: Sequence[str],
    sides: Sequence[_Sides],
    geometry: Geometry,
    rng: np.random.Generator,
    permutations: int,
) -> PersonaMatrix:
    """One matrix, the mean over countries where groups are compared within them."""

    size = len(names)
    shown = _mean_matrix(
        [(s.places, alignment_matrix(s.answers, s.people, s.counted, geometry)) for s in sides],
        size,
    )
    unsteered = np.diag(
        _mean_matrix([(s.places, np.diag(_unsteered(s, geometry))) for s in sides], size)
    )
    questions = np.diag(
        _mean_matrix([(s.places, np.diag(1.0 * s.counted.sum(axis=1))) for s in sides], size)
    )
    gains = shown - np.nan_to_num(unsteered)
    places = own_ranks(gains)
    return PersonaMatrix(
        model=file.model,
        condition=condition_of(file),
        targets=targets,
        personas=list(names),
        peoples=list(names),
        alignment=[[number(value) for value in row] for row in shown],
        unsteered=[number(value) for value in unsteered],
        questions=[round(n) for n in np.nan_to_num(questions)],
        rows=[
            _persona_row(name, shown, unsteered, row, places[row]) for row, name in enumerate(names)
        ],
        advantage=_advantage(sides, geometry, rng, permutations),
        advantage_own=sum(place == 1 for place in places),
    )


def _mean_matrix(matrices: Sequence[tuple[Sequence[int], Floats]], size: int) -> Floats:
    """Mean of matrices of some of the targets, shape (size, size); NaN where there is none."""
    whole = np.full((size, size, len(matrices)), np.nan)
    for at, (places, matrix) in enumerate(matrices):
        whole[np.ix_(places, places, [at])] = matrix[..., None]
    return row_means(whole)


def _unsteered(sides: _Sides, geometry: Geometry) -> Floats:
    """Alignment of the answers without steering with each people, shape (P,)."""
    scores = 1 - geometry.distance(sides.people, sides.unsteered)
    return row_means(np.where(sides.counted, scores, np.nan))


def _persona_row(
    name: str, matrix: Floats, unsteered: Floats, row: int, place: int | None
) -> PersonaRow:
    others = [column for column in range(matrix.shape[1]) if column != row]
    gains = matrix[row] - unsteered
    return PersonaRow(
        persona=name,
        own=number(matrix[row, row]),
        others=number(row_means(matrix[row, others])),
        gain_own=number(gains[row]),
        gain_others=number(row_means(gains[others])),
        rank=place,
    )


def _advantage(
    sides: Sequence[_Sides], geometry: Geometry, rng: np.random.Generator, permutations: int
) -> Advantage:
    """The diagonal advantage on the questions that every persona answered."""
    model = [alignment_matrix(s.answers, s.people, s.strict, geometry) for s in sides]
    people = [alignment_matrix(s.people, s.people, s.strict, geometry) for s in sides]
    whole = [n for n, matrix in enumerate(model) if np.isfinite(matrix).all()]
    test = permutation_test([model[n] for n in whole], rng=rng, permutations=permutations)
    real = permutation_test([people[n] for n in whole], rng=rng, permutations=1)
    ratio = test.advantage / real.advantage if real.advantage > 1e-12 else float("nan")
    return Advantage(
        estimate=number(test.advantage),
        p_value=number(test.p_value),
        permutations=test.permutations,
        exact=test.exact,
        people=number(real.advantage),
        share_of_people=number(ratio),
        questions=int(min((s.strict.sum(axis=1).min() for s in sides), default=0)),
    )


def condition_of(file: FormFile) -> str:
    """Name of a condition: steering, language unless English, form unless the usual one."""
    meta = file.meta
    language = {"en": "", "own": "+language"}.get(meta.language, f"+{meta.language}")
    variant = str(meta.extra.get("variant") or "default")
    return f"{meta.steering}{language}" + ("" if variant == "default" else f" [{variant}]")


def _notices(forms: FormSet, without: set[str]) -> Iterator[Notice]:
    if without:
        yield Notice(
            code="no-groups",
            message="No country asked for has people of two groups in the release: "
            f"{', '.join(sorted(without))}.",
            count=len(without),
        )
    strangers = sum(file.answers.strangers for file in forms.files)
    if strangers:
        yield Notice(
            code="unknown-countries",
            message="Answers as countries that the release has no people of are left out.",
            count=strangers,
        )
    bare = [m for m in forms.models if not any(f.answers.unsteered for f in forms.of(m))]
    if bare:
        yield Notice(
            code="no-baseline",
            message=f"Without answers without steering there are no gains: {', '.join(bare)}.",
            count=len(bare),
        )

"""What must hold of a study of advice before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from codebook.countries import countries
from codebook.dilemmas.dilemma import dilemmas
from codebook.dilemmas.sets import DilemmaSet
from contracts.digests import sha256_text
from contracts.errors import ContractError, Problem
from elicitation.study.advice import SPOKEN, WITH_PERSONA, advice_countries
from elicitation.study.study import Study

#: Ways of asking for advice: in words, or by the likelihood of the two options.
ADVICE_METHODS = ("forced_choice", "sampling", "option_likelihood", "label_likelihood")

#: Ids that a message lists.
_LISTED = 8


def resolve_dilemmas(
    given: tuple[str, ...],
    sets: Mapping[str, DilemmaSet],
    *,
    spoken: tuple[str, ...],
) -> tuple[str, ...]:
    """Ids of dilemmas: those named, those of a named dimension, or all.

    Args:
        given: ids and dimensions; nothing for all.
        sets: sets by language.
        spoken: the languages that are used; those without a set are passed over here.

    Raises:
        ContractError: a name is neither an id nor a dimension.
    """
    known = {
        name: one.dimension
        for language in spoken
        if language in sets
        for name, one in sets[language].dilemmas.items()
    } or {name: one.dimension for name, one in dilemmas().items()}
    if not given:
        return tuple(known)
    known |= {name: one.dimension for name, one in dilemmas().items() if name not in known}
    dilemma_ids: dict[str, None] = {}
    problems = []
    for name in given:
        ids = [key for key, dimension in known.items() if name in (key, dimension)]
        dilemma_ids |= dict.fromkeys(ids)
        if not ids:
            dimensions = ", ".join(dict.fromkeys(known.values()))
            problems.append(
                Problem(
                    "no-question",
                    "there is no such dilemma or dimension",
                    column="--questions",
                    found=repr(name),
                    allowed=f"an id such as {next(iter(known))}; dimensions {dimensions}",
                )
            )
    if problems:
        raise ContractError(problems, subject="study")
    return tuple(dilemma_ids)


def spoken_languages(
    approaches: tuple[str, ...], languages: tuple[str, ...], countries: tuple[str, ...]
) -> tuple[str, ...]:
    """Languages in which a study of advice is asked; countries that have none are passed over."""
    ordered_languages: dict[str, None] = {}
    for approach in approaches:
        own = approach in SPOKEN
        ordered_languages |= dict.fromkeys(map(_language_of, countries) if own else languages)
    return tuple(language for language in ordered_languages if language)


def check_advice(study: Study, sets: Mapping[str, DilemmaSet]) -> None:
    """Refuse a study of advice that lacks dilemmas, personas or a way of asking.

    Raises:
        ContractError: lists every problem.
    """
    spoken = spoken_languages(study.approaches, study.languages, study.countries)
    problems = [
        *_method_problems(study),
        *_language_problems(study, sets, spoken),
        *_dilemma_problems(study, sets, spoken),
        *_persona_problems(study, sets),
    ]
    if problems:
        raise ContractError(problems, subject="study")


def _method_problems(study: Study) -> Iterator[Problem]:
    if study.method not in ADVICE_METHODS:
        yield Problem(
            "advice-method",
            "advice is not asked for in this way",
            column="--method",
            found=study.method,
            allowed=", ".join(ADVICE_METHODS),
        )
    strange = [country for country in study.countries if not _language_of(country)]
    if strange and SPOKEN & set(study.approaches):
        yield Problem(
            "no-hofstede",
            "these countries have no Hofstede scores, and no language of the study",
            column="--countries",
            found=", ".join(strange),
            allowed=", ".join(advice_countries()),
        )
    if not study.countries and set(study.approaches) - {"none"}:
        yield Problem(
            "no-countries",
            "these approaches ask as someone of a country",
            column="--countries",
            allowed="all, or ISO3 codes",
            hint="Take --approach none to ask as nobody.",
        )


def _language_problems(
    study: Study, sets: Mapping[str, DilemmaSet], spoken: tuple[str, ...]
) -> Iterator[Problem]:
    lacking = [language for language in spoken if language not in sets]
    if not lacking:
        return
    able = [c for c in study.countries if _language_of(c) in sets]
    hint = (
        f"Make each with: opinion-atlas translate MODEL --language {lacking[0]} "
        f"--out dilemmas/{lacking[0]}; then give --dilemmas dilemmas"
    )
    if able and SPOKEN & set(study.approaches):
        hint += f"; or ask only --countries {','.join(able)}"
    yield Problem(
        "no-dilemmas",
        f"there are no dilemmas in {len(lacking)} of the languages that are spoken",
        column="--dilemmas",
        found=", ".join(_with_countries(language, study) for language in lacking),
        allowed=", ".join(sets),
        hint=f"{hint}.",
    )


def _language_of(country: str) -> str:
    """Language of a country in the study; empty where it has none."""
    known = countries().get(country)
    return known.hofstede.language if known and known.hofstede else ""


def _with_countries(language: str, study: Study) -> str:
    whose = [c for c in study.countries if _language_of(c) == language]
    return f"{language} ({', '.join(whose)})" if whose else language


def _dilemma_problems(
    study: Study, sets: Mapping[str, DilemmaSet], spoken: tuple[str, ...]
) -> Iterator[Problem]:
    project = dilemmas()
    for language in spoken:
        if language not in sets:
            continue
        there = sets[language].dilemmas
        lacking = [name for name in study.questions if name not in there]
        if lacking:
            yield Problem(
                "dilemmas-lacking",
                f"the dilemmas in {language} lack {len(lacking)} of {len(study.questions)}",
                where=sets[language].source or f"codebook/dilemmas/{language}",
                column="--dilemmas",
                found=_shortened(lacking),
                hint="Translate them (the same command goes on), or name those to ask with "
                "--questions.",
            )
        alike = [
            name
            for name in study.questions
            if name in there and len({option.casefold() for option in there[name].options}) < 2
        ]
        if alike:
            yield Problem(
                "same-options",
                f"{len(alike)} of the dilemmas in {language} offer the same action twice",
                where=sets[language].source,
                column="--dilemmas",
                found=_shortened(alike),
                hint="Mend them in the folder (check.csv flags them), or name those to ask with "
                "--questions.",
            )
        turned = [
            name
            for name in study.questions
            if name in there
            and name in project
            and there[name].dimension != project[name].dimension
        ]
        if turned:
            yield Problem(
                "dilemma-dimension",
                "the ids are those of project dilemmas of another dimension",
                where=sets[language].source,
                found=_shortened(turned),
                hint="Give dilemmas of your own ids of their own.",
            )


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _persona_problems(study: Study, sets: Mapping[str, DilemmaSet]) -> Iterator[Problem]:
    for approach in study.approaches:
        if approach not in WITH_PERSONA:
            continue
        for language in (
            study.languages
            if approach not in SPOKEN
            else dict.fromkeys(_language_of(country) for country in study.countries)
        ):
            asked = [
                country
                for country in study.countries
                if approach not in SPOKEN or _language_of(country) == language
            ]
            if language not in sets:
                continue
            lacking = [country for country in asked if country not in sets[language].personas]
            if lacking:
                yield Problem(
                    "no-persona",
                    f"the dilemmas in {language} have no sentence that tells who asks",
                    where=f"{sets[language].source}/language.toml",
                    column="[persona]",
                    found=_shortened(lacking),
                    hint="Write the sentence there, by country, or translate again.",
                )


def sets_digest(folders: tuple[str, ...], sets: Mapping[str, DilemmaSet]) -> str:
    """Digest of the sets that come from folders; empty without folders."""
    if not folders:
        return ""
    own = [one for one in sets.values() if one.source]
    return sha256_text(" ".join(f"{one.language}:{one.digest}" for one in own))[:16]


def own_ids(study: Study, sets: Mapping[str, DilemmaSet]) -> dict[str, list[str]]:
    """Ids, by dimension, of the dilemmas that are none of the project's."""
    ids_by_dimension: dict[str, list[str]] = {}
    known = {name: one.dimension for texts in sets.values() for name, one in texts.dilemmas.items()}
    for name in study.questions:
        if name not in dilemmas():
            ids_by_dimension.setdefault(known[name], []).append(name)
    return ids_by_dimension

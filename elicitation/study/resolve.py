"""From options to a study: names resolved, defaults of the protocol filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from codebook import countries as known_countries
from codebook.dilemmas.sets import DilemmaSet
from contracts.errors import ContractError, fail, unknown_values
from contracts.release.read import Release
from contracts.release.tables import GROUP_VARIABLES
from contracts.specs import asked_protocols, protocol_spec
from elicitation.study.advice import advice_countries, advice_sets
from elicitation.study.advice_checks import (
    check_advice,
    resolve_dilemmas,
    sets_digest,
    spoken_languages,
)
from elicitation.study.checks import check_study
from elicitation.study.conditions import named_variants
from elicitation.study.methods import METHODS
from elicitation.study.options import StudyOptions
from elicitation.study.persons_checks import check_persons
from elicitation.study.study import Study, resolve_questions
from elicitation.study.wordings import wordings_digest

#: Least mass of all labels together at the first token of a reply.
MIN_LABEL_MASS = 0.1

#: Draws of one answer each, for the methods that count answers.
SAMPLING_REPEATS = 30

#: Synthetic respondents of a country.
PERSONS = 100

#: Samples of nobody in particular, as the WorldValuesBench authors draw them.
RATING_SAMPLES, RATING_SAMPLE_TEMPERATURE = 230, 0.7


def make_study(
    options: StudyOptions,
    release: Release,
    *,
    chat: bool,
    remote: bool,
    allow_remote_microdata: bool = False,
) -> Study:
    """A checked study.

    Args:
        options: what the user says.
        release: the release asked about.
        chat: whether prompts are chats.
        remote: whether they go to another machine.
        allow_remote_microdata: see `check_study`.

    Raises:
        ContractError: something does not exist, or does not go together.
    """
    if options.protocol not in asked_protocols():
        raise ContractError(unknown_values("--protocol", options.protocol, asked_protocols()))
    preset = protocol_spec(options.protocol)
    method = options.method or preset.method
    wave = options.wave or max(release.manifest.waves)
    persons = preset.kind == "persons"
    demographics = (
        _persona_demographics(options, remote)
        if persons
        else _demographics(options, method, release)
    )
    advice = preset.dilemmas
    wordings = tuple(map(str, options.wordings))
    countries, left_out = _scorable(_countries(options, release, wave), options, release, wave)
    sets = advice_sets(tuple(map(str, options.dilemmas))) if advice else {}
    specific = (
        _advice_fields(options, countries, sets)
        if advice
        else {"questions": resolve_questions(options.questions, preset.asked)}
    )
    study = Study(
        protocol=options.protocol,
        method=method,
        release=release.source,
        release_digest=release.digest,
        wave=wave,
        few_shot_shares=options.few_shot_shares,
        countries=countries,
        left_out=left_out,
        **specific,
        wording_folders=wordings,
        wordings_digest=wordings_digest(wordings),
        groups=_groups(options.groups, release),
        steering=_steering(options, method, preset.steering),
        languages=options.languages,
        variants=named_variants(options.vary),
        only=options.only,
        demographics=demographics,
        on_request=options.on_request,
        people=options.people,
        **(_persons_fields(options) if persons else {}),
        repeats=_repeats(options, method, demographics),
        temperature=_temperature(options, method, demographics),
        max_tokens=options.max_tokens,
        seed=options.seed,
        chat=chat,
        terminator=options.terminator,
        orders=_orders(options, method),
        min_label_mass=_min_label_mass(options, method),
        reask=options.reask,
    )
    check_study(study, remote=remote, allow_remote_microdata=allow_remote_microdata)
    check_persons(study, options, release)
    if advice:
        check_advice(study, sets)
    return study


def _orders(options: StudyOptions, method: str) -> Literal[1, 2]:
    """Orders of the answers: a likelihood depends on the place of an answer in the list."""
    scored = method in METHODS and METHODS[method].reader == "scores"
    if not scored or options.protocol in ("advice", "persons"):
        return 1  # advice asks in two orders by itself; a person answers once
    if options.orders is not None:
        return options.orders
    return 1 if options.protocol == "judgments" else 2


def _min_label_mass(options: StudyOptions, method: str) -> float:
    """Least mass of the labels: one first token of a label is expected where labels are asked for,
    while whole sentences share the mass with all other sentences."""
    if options.min_label_mass is not None:
        return options.min_label_mass
    return MIN_LABEL_MASS if method == "label_likelihood" else 0.0


def _demographics(options: StudyOptions, method: str, release: Release) -> str:
    """What is told of persons: by default as little as possible, and nothing without persons."""
    if method != "rating" or options.demographics == "none":
        return ""
    return options.demographics or ("remote" if release.has("probe") else "")


def _persona_demographics(options: StudyOptions, remote: bool) -> str:
    """What is told of synthetic respondents: models on other machines are told less."""
    if options.demographics == "none":
        return ""
    return options.demographics or ("remote" if remote else "main")


def _persons_fields(options: StudyOptions) -> dict[str, Any]:
    """What only a study of persons has."""
    return {
        "personas": options.personas or "fitted",
        "persons": PERSONS if options.persons is None else options.persons,
        "conversation": options.conversation,
    }


def _repeats(options: StudyOptions, method: str, demographics: str) -> int:
    if options.repeats is not None:
        return options.repeats
    if method == "sampling" and options.protocol != "persons":
        return SAMPLING_REPEATS
    return RATING_SAMPLES if method == "rating" and not demographics else 1


def _temperature(options: StudyOptions, method: str, demographics: str) -> float | None:
    if options.temperature is None and method == "rating" and not demographics:
        return RATING_SAMPLE_TEMPERATURE
    return options.temperature


def _steering(options: StudyOptions, method: str, preset: tuple[str, ...]) -> tuple[str, ...]:
    if options.steer:
        return options.steer
    if protocol_spec(options.protocol).dilemmas:
        return ("none",)
    known = METHODS[method].steerings if method in METHODS else preset
    return tuple(steering for steering in preset if steering in known) or known[:1]


def _advice_fields(
    options: StudyOptions, countries: tuple[str, ...], sets: Mapping[str, DilemmaSet]
) -> dict[str, Any]:
    """What only a study of advice has."""
    approaches = options.approach or ("persona",)
    folders = tuple(map(str, options.dilemmas))
    spoken = spoken_languages(approaches, options.languages, countries)
    return {
        "questions": resolve_dilemmas(options.questions, sets, spoken=spoken),
        "approaches": approaches,
        "dilemma_folders": folders,
        "dilemmas_digest": sets_digest(folders, sets),
    }


def _countries(options: StudyOptions, release: Release, wave: int) -> tuple[str, ...]:
    """Countries by name; `all` are those of the release's wave (of the advice study)."""
    if options.countries == ("none",):
        return ()
    country_codes: dict[str, None] = {}
    for name in options.countries:
        if name != "all":
            country_codes[name.upper()] = None
        elif protocol_spec(options.protocol).dilemmas:
            country_codes |= dict.fromkeys(advice_countries())
        else:
            country_codes |= dict.fromkeys(release_countries(release, wave))
    return tuple(country_codes)


def _scorable(
    named: tuple[str, ...], options: StudyOptions, release: Release, wave: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Countries to ask for, and those left out: without respondents nothing can be scored.

    Raises:
        ContractError: none is left of those named.
    """
    if options.protocol == "advice" or options.allow_unscored or not release.has("countries"):
        return named, ()
    there = set(release_countries(release, wave))
    without = tuple(c for c in named if c in known_countries() and c not in there)
    asked = tuple(country for country in named if country not in without)
    if without and not asked:
        raise fail(
            "no-respondents",
            f"the release has no respondents of these countries in wave {wave}",
            column="--countries",
            found=", ".join(without),
            allowed="all, or: " + ", ".join(sorted(there)),
            hint="Ask all the same with --allow-unscored; nothing will be scored.",
        )
    return asked, without


def release_countries(release: Release, wave: int) -> tuple[str, ...]:
    """Countries that took part in a wave of a release, in the codebook's order."""
    table = release.table("countries", columns=["country", "waves"])
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    there = {country for country, waves in rows if wave in waves}
    return tuple(country for country in known_countries() if country in there)


def _groups(given: tuple[str, ...], release: Release) -> tuple[str, ...]:
    """Groups by name; the name of a variable stands for all of its groups in the release."""
    if not given:
        return ("",)
    group_names: dict[str, None] = {}
    for name in given:
        if name in ("all", "everyone"):
            group_names[""] = None
        elif name in GROUP_VARIABLES:
            group_names |= dict.fromkeys(_release_groups(release, name))
        else:
            group_names[name] = None
    return tuple(group_names)


def _release_groups(release: Release, variable: str) -> list[str]:
    import pyarrow.compute as pc

    groups = pc.unique(release.table("distributions", columns=["group"]).column("group"))
    return sorted(g for g in groups.to_pylist() if g.startswith(f"{variable}=") and ";" not in g)

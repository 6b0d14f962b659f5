"""Checks of a study before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from codebook import countries, value_questions
from codebook.questions import few_shot_ids
from codebook.respondents.describe import DEMOGRAPHIC_SETS, ON_REQUEST_COLUMNS
from codebook.respondents.harmonised import GroupError, group_name, parse_group
from codebook.wordings.templates import TEMPLATE_SPECS
from codebook.wordings.wording import languages, wording
from contracts.errors import ContractError, Problem, unknown_values
from contracts.release.tables import GROUP_VARIABLES
from elicitation.study.conditions import OWN_LANGUAGE, Variant, VariantError, parse_variant
from elicitation.study.methods import METHODS, STEERINGS
from elicitation.study.study import APPROACHES, Study
from elicitation.study.wordings import study_wordings

if TYPE_CHECKING:
    from elicitation.study.study import Study


#: Lacking texts that a message names.
_SHOWN = 8


def lacking_texts(study: Study) -> Iterator[Problem]:
    """A problem for each of the user's wordings that lacks what the study's prompts need."""
    project = set(languages())
    for language, texts in study_wordings(study.wording_folders).items():
        if language in project and texts is wording(language):
            continue
        if not {language, "own"} & set(study.languages):
            continue
        present = set(texts.texts())
        lacking = [key for key in _needed(study) if key not in present]
        if lacking:
            more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
            yield Problem(
                "wording-lacks",
                f"the wording {texts.name} ({language}) lacks texts that the study asks for",
                column="--wording",
                found=", ".join(lacking[:_SHOWN]) + more,
                hint="opinion-atlas wording check --folder FOLDER lists all.",
            )


def _needed(study: Study) -> Iterator[str]:
    shown = [key for c in (None, *study.countries) for key in few_shot_ids(c)]
    asked = [key for key in dict.fromkeys((*study.questions, *shown)) if key in value_questions()]
    yield from (f"stem:{key}" for key in asked)
    scales = {question.scale for key in asked if (question := value_questions()[key])}
    for scale in sorted((s for s in scales if s is not None), key=lambda s: s.scale_id):
        yield from (f"label:{scale.scale_id}:{code}" for code in scale.labelled_codes)
    yield from (f"template:{name}" for name in TEMPLATE_SPECS)
    yield from (f"country:{country}" for country in study.countries)


def check_study(study: Study, *, remote: bool, allow_remote_microdata: bool = False) -> None:
    """Refuse a study whose parts do not go together.

    Args:
        study: the study.
        remote: whether its prompts go to another machine.
        allow_remote_microdata: whether more of a person than country, settlement and education
            may go there.

    Raises:
        ContractError: lists every problem.
    """
    problems = [
        *_axis_problems(study),
        *_country_problems(study),
        *_group_problems(study),
        *_number_problems(study),
        *_person_problems(study, remote=remote, allowed=allow_remote_microdata),
    ]
    # Names of conditions are known only where their parts are right.
    problems = problems or [*_only_problems(study), *_persona_problems(study)]
    if problems:
        raise ContractError(problems, subject="study")


def _axis_problems(study: Study) -> Iterator[Problem]:
    if study.method not in METHODS:
        yield unknown_values("--method", study.method, METHODS)
        return
    for steering in study.steering:
        if steering not in STEERINGS:
            yield unknown_values("--steer", steering, STEERINGS)
        elif steering not in study.how.steerings:
            yield Problem(
                "method-steering",
                f"the method {study.method} knows no steering {steering}",
                column="--steer",
                allowed=", ".join(study.how.steerings),
            )
    # Dilemmas have languages of their own: these are checked with them.
    spoken = (*study_wordings(study.wording_folders), OWN_LANGUAGE)
    known = study.languages if study.approaches else spoken
    axes = (
        ("--languages", study.languages, known, "A language is a folder of wordings."),
        ("--approach", study.approaches, APPROACHES, ""),
    )
    for column, given, allowed, hint in axes:
        for name in given:
            if name not in allowed:
                yield unknown_values(column, name, allowed, hint=hint)
    yield from _variant_problems(study)
    yield from lacking_texts(study)


def _variant_problems(study: Study) -> Iterator[Problem]:
    for name in study.variants:
        try:
            variant = parse_variant(name)
        except VariantError as error:
            yield Problem("unknown-variant", str(error), column="--vary")
            continue
        repeats = variant == Variant(name, labels=study.how.labels)
        if repeats and study.how.reader == "scores":
            yield Problem(
                "same-variant",
                f"the method {study.method} shows {variant.labels} anyway",
                column="--vary",
                found=name,
                hint="Take default, or leave it out: the same prompts would be asked twice.",
            )


def _persona_problems(study: Study) -> Iterator[Problem]:
    """Another persona text needs a prompt in English that names a country."""
    for condition in study.conditions():
        named = condition.steering != "none" and not study.asks_dilemmas
        if condition.variant.persona > 1 and not (named and condition.language == "en"):
            yield Problem(
                "persona-text",
                "a persona text needs prompts in English that name a country",
                column="--vary",
                found=condition.name,
                allowed="--steer persona or few-shot with --languages en",
                hint="Name the conditions that are asked with --only.",
            )


def _only_problems(study: Study) -> Iterator[Problem]:
    known = [condition.name for condition in study.conditions(every=True)]
    for name in study.only:
        if name not in known:
            yield unknown_values("--only", name, known)


def _country_problems(study: Study) -> Iterator[Problem]:
    for country in study.countries:
        if country not in countries():
            yield unknown_values(
                "--countries",
                country,
                countries(),
                described="ISO 3166-1 alpha-3 codes such as DEU",
            )


def _group_problems(study: Study) -> Iterator[Problem]:
    for group in study.groups:
        try:
            canonical = group_name(
                parse_group(group, variables=GROUP_VARIABLES), variables=GROUP_VARIABLES
            )
        except GroupError as error:
            yield Problem("unknown-group", str(error), column="--groups", found=repr(group))
            continue
        if canonical != group:
            yield Problem(
                "group-form",
                "a group is written with its keys sorted",
                column="--groups",
                found=repr(group),
                allowed=repr(canonical),
            )
    if any(study.groups) and "none" in study.steering:
        yield Problem(
            "group-unsteered",
            "a group is described to the model, which is steering",
            column="--steer",
            found="none",
            allowed="persona, few-shot",
        )


def _number_problems(study: Study) -> Iterator[Problem]:
    if study.repeats < 1:
        yield Problem("too-few", "a call is made at least once", column="--repeats")
    if study.temperature is not None and not 0 <= study.temperature <= 2:
        yield Problem(
            "out-of-range",
            "the temperature is out of range",
            column="--temperature",
            found=str(study.temperature),
            allowed="0 to 2",
        )
    if study.max_tokens is not None and study.max_tokens < 1:
        yield Problem("too-few", "a reply has at least one token", column="--max-tokens")
    if not 0 <= study.min_label_mass <= 1:
        yield Problem(
            "out-of-range",
            "the least mass of the labels is a probability",
            column="--min-label-mass",
            found=str(study.min_label_mass),
            allowed="0 to 1",
        )
    if not study.questions:
        yield Problem("no-questions", "there is nothing to ask", column="--questions")


def _person_problems(study: Study, *, remote: bool, allowed: bool) -> Iterator[Problem]:
    sets = (*DEMOGRAPHIC_SETS, "all")
    if study.demographics and study.demographics not in sets:
        yield unknown_values("--demographics", study.demographics, ("none", *sets))
    if study.demographics and study.method != "rating" and not study.personas:
        yield Problem(
            "demographics-method",
            "single persons are described by the method rating and the protocol persons only",
            column="--demographics",
            found=study.method,
            allowed="--method rating, --protocol persons",
        )
    for name in study.on_request:
        if name not in ON_REQUEST_COLUMNS:
            yield unknown_values("--on-request", name, ON_REQUEST_COLUMNS)
    more = study.demographics not in ("", "remote") or bool(study.on_request)
    if remote and more and not allowed:
        yield Problem(
            "remote-microdata",
            "a model on another machine is told only country, settlement and education of a person",
            column="--demographics",
            found=", ".join((study.demographics, *study.on_request)),
            allowed="remote",
            hint="Personas fitted to a public release hold no respondent's data: with one, "
            "--allow-remote-microdata discloses nothing."
            if study.personas == "fitted"
            else "Take a local model (hf:), or --allow-remote-microdata if you may share these "
            "answers.",
        )

"""Conditions of a steering study: which reports belong together, and what each is called.

A condition is a steering (none, persona, few-shot), with `+language` where a country is asked in
its own language and `+xx` where it is asked in another one; the form of the prompts stands in
brackets where it is not the usual one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import codebook
from codebook.wordings.wording import languages
from contracts.errors import ContractError, Problem
from contracts.models import Notice
from contracts.report import Report
from scoring.comparison.compare import check_comparable
from scoring.comparison.wordings import wording_names, wording_problems

#: Language in which conditions are asked unless they say otherwise.
BASE_LANGUAGE = "en"

#: Language of predictions in which every country is asked in its own.
OWN_LANGUAGE = "own"

STEERINGS = ("none", "persona", "few-shot")


@dataclass(frozen=True)
class Part:
    """One report of a study.

    Attributes:
        report: the report.
        model: name of its model in the study, unique for each way of asking.
    """

    report: Report
    model: str

    @property
    def steering(self) -> str:
        """Its steering."""
        return self.report.predictions.meta.steering

    @property
    def language(self) -> str:
        """Language of its prompts, or `own`."""
        return self.report.predictions.meta.language

    @property
    def variant(self) -> str:
        """Form of its prompts; empty for the usual one."""
        variant_name = str(self.report.predictions.meta.extra.get("variant", "default"))
        return "" if variant_name == "default" else variant_name

    @property
    def is_targeted(self) -> bool:
        """Whether every country was asked for itself."""
        return self.steering != "none" or self.language == OWN_LANGUAGE

    @property
    def is_base(self) -> bool:
        """Whether it is the condition without steering."""
        return (self.steering, self.language, self.variant) == ("none", BASE_LANGUAGE, "")


@dataclass(frozen=True)
class Study:
    """Reports of one or more models under several conditions."""

    parts: tuple[Part, ...]

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order of the reports."""
        return tuple(dict.fromkeys(part.model for part in self.parts))

    def of(self, model: str) -> tuple[Part, ...]:
        """The parts of a model."""
        return tuple(part for part in self.parts if part.model == model)

    def conditions(self, model: str, country: str) -> dict[str, Part]:
        """A model's parts by the name of their condition for a country, the base first.

        Raises:
            ContractError: two reports are of one condition.
        """
        named = [(self._name(part, country), part) for part in self.of(model)]
        parts_by_condition = dict(named)
        if len(parts_by_condition) < len(named):
            raise ContractError(list(_twins(named)), subject=f"study of {model}")
        return dict(sorted(parts_by_condition.items(), key=lambda item: condition_order(item[0])))

    def _name(self, part: Part, country: str) -> str:
        spoken = ""
        if part.language == OWN_LANGUAGE:
            spoken = "+language"
        elif part.language != BASE_LANGUAGE:
            own = part.language == own_language(country) and not self._has_own(part)
            spoken = "+language" if own else f"+{part.language}"
        return f"{part.steering}{spoken}" + (f" [{part.variant}]" if part.variant else "")

    def _has_own(self, part: Part) -> bool:
        return any(
            (other.steering, other.variant, other.language)
            == (part.steering, part.variant, OWN_LANGUAGE)
            for other in self.of(part.model)
        )


def make_study(reports: Sequence[Report]) -> Study:
    """The reports as a study.

    Raises:
        ContractError: they were scored on other people or by other rules, a model lacks the
            condition without steering, or one language was asked in several wordings.
    """
    if not reports:
        raise ContractError(Problem("no-reports", "a study needs reports"))
    for report in reports[1:]:
        check_comparable(reports[0], report)
    study = Study(tuple(_parts(reports)))
    problems = [*wording_problems(reports), *_without_base(study), *_prompt_versions(study)]
    if problems:
        raise ContractError(problems, subject="study")
    return study


def _parts(reports: Sequence[Report]) -> Iterator[Part]:
    """Models that were asked in several ways count once for each."""
    metas = [report.predictions.meta for report in reports]
    ways: dict[tuple[str, str], set[str]] = {}
    for meta in metas:
        ways.setdefault((meta.model, meta.revision), set()).add(meta.method)
    revisions: dict[str, set[str]] = {}
    for meta in metas:
        revisions.setdefault(meta.model, set()).add(meta.revision)
    for report, meta in zip(reports, metas, strict=True):
        name = meta.model
        if len(revisions[meta.model]) > 1:
            name += f"@{meta.revision or 'unknown'}"
        if len(ways[meta.model, meta.revision]) > 1:
            name += f" ({meta.method})"
        yield Part(report, name)


def _without_base(study: Study) -> Iterator[Problem]:
    for model in study.models:
        if not any(part.is_base for part in study.of(model)):
            there = ", ".join(f"{p.steering} in {p.language}" for p in study.of(model))
            yield Problem(
                "no-baseline",
                f"no report of {model} is without steering",
                found=there,
                allowed=f"steering none, language {BASE_LANGUAGE}, prompts of the default form",
                hint="Ask with: opinion-atlas elicit MODEL --steer none persona few-shot "
                "--languages en own",
            )


def _prompt_versions(study: Study) -> Iterator[Problem]:
    for model in study.models:
        prompt_versions = {part.report.predictions.meta.prompt_version for part in study.of(model)}
        if len(prompt_versions) > 1:
            yield Problem(
                "other-prompts",
                f"the reports of {model} come from prompts of several versions",
                found=", ".join(sorted(version or "unknown" for version in prompt_versions)),
                hint="Ask all conditions with one version of the project.",
            )


def _twins(named: Sequence[tuple[str, Part]]) -> Iterator[Problem]:
    seen: dict[str, Part] = {}
    for name, part in named:
        if name in seen:
            names = (seen[name].report.predictions.name, part.report.predictions.name)
            yield Problem(
                "same-condition",
                f"two reports are of the condition {name}",
                found=" and ".join(names),
                hint="Give one of them.",
            )
        seen[name] = part


def condition_order(name: str) -> tuple[int, int, str]:
    """Where a condition stands: by steering, then English before other languages."""
    plain, _, _ = name.partition(" [")
    steering, _, spoken = plain.partition("+")
    place = STEERINGS.index(steering) if steering in STEERINGS else len(STEERINGS)
    return place, ("", "language").index(spoken) if spoken in ("", "language") else 2, name


def own_language(country: str) -> str:
    """First language of a country's questionnaire that there is a wording in; empty for none."""
    known = codebook.countries().get(country)
    spoken = known.questionnaire_languages if known else ()
    return next((language for language in spoken if language in languages()), "")


def study_notices(study: Study) -> list[Notice]:
    """What a reader of the whole study must know."""
    reports = [part.report for part in study.parts]
    notices = []
    if any(report.release.synthetic for report in reports):
        notices.append(
            Notice(code="synthetic", message="The release is SYNTHETIC: made-up people.")
        )
    sets = {report.settings.questions_digest for report in reports}
    if len(sets) > 1:
        notices.append(
            Notice(
                code="other-questions",
                message="The reports were scored on different question sets; only common "
                "questions count.",
            )
        )
    notices += wording_names(reports)
    return notices

"""What predictions files say of how they came about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import ValidationError

from codebook import value_questions
from codebook.dilemmas.dilemma import dilemmas_digest
from codebook.wordings.wording import OWN_NAME
from contracts.digests import sha256_text
from contracts.errors import fail
from contracts.predictions.meta import PredictionsMeta
from elicitation.persons.draw import personas_text
from elicitation.prompts.plan import Plan, own_language
from elicitation.study.advice import WITH_PERSONA
from elicitation.study.advice_checks import own_ids, spoken_languages
from elicitation.study.conditions import OWN_LANGUAGE, Condition
from elicitation.study.study import Study

#: Metadata that a user may state about a model.
STATED = (
    "name", "family", "parameters", "training_tokens", "multilingual", "synthetic_data", "chat",
    "base_model", "open_weights", "link", "notes", "trained_on_wvs", "model", "revision",
)  # fmt: skip


def package_version() -> str:
    """Version of the installed package, empty where it is not installed."""
    try:
        return version("opinion-atlas")
    except PackageNotFoundError:
        return ""


def condition_meta(
    plan: Plan,
    condition: Condition,
    *,
    backend: Mapping[str, Any],
    environment: Mapping[str, Any],
    stated: Mapping[str, str],
) -> PredictionsMeta:
    """Metadata of a condition's predictions file.

    Args:
        plan: the plan.
        condition: one of its conditions.
        backend: what the backend says of itself, see `Backend.describe`.
        environment: what it says besides; `facts` in it are facts of the model.
        stated: facts that the user states; they outweigh those that the backend knows.

    Raises:
        ContractError: a stated fact has the wrong form.
    """
    study = plan.study
    facts: dict[str, Any] = {**environment.get("facts", {}), **stated}
    fields: dict[str, Any] = {
        "name": f"{_short(str(backend.get('model', 'unknown')))}_{study.protocol}_{study.method}_"
        f"{condition.name}",
        "model": str(backend.get("model", "unknown")),
        "revision": str(backend.get("revision", "")),
        "protocol": study.protocol,
        "method": study.method,
        "steering": "persona" if _is_persona(condition) else condition.steering,
        "language": condition.language,
        "wave": study.wave,
        "prompt_version": study.prompt_version,
        "wording": wording_name(plan, condition),
        "wording_digest": wording_digest(plan, condition),
        "release": study.release_digest or study.release,
        "seed": study.seed,
        "decoding": decoding_used(plan, backend, environment),
        "coding": "worldvaluesbench" if worldvaluesbench_coding(study) else "raw",
        "few_shot_questions": list(plan.shown_questions(condition)),
        "chat": study.chat,
        **_personas(plan),
        "extra": {
            "condition": condition.name,
            "variant": condition.variant.name,
            "demographics": study.demographics,
            "on_request": list(study.on_request),
            "repeats": study.repeats,
            "backend": dict(backend),
            "environment": {k: v for k, v in environment.items() if k != "facts"},
            "opinion_atlas": package_version(),
            **_few_shot(study, condition),
            **({"conversation": study.conversation} if study.personas else {}),
            **_dilemmas(plan),
            **_wordings(plan, condition),
        },
    }
    try:
        return PredictionsMeta.model_validate({**fields, **facts})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise fail(
            "bad-fact", f"a stated fact has the wrong form: {wrong}", column="--meta"
        ) from None


def decoding_used(
    plan: Plan, backend: Mapping[str, Any], environment: Mapping[str, Any]
) -> dict[str, Any]:
    """How replies were really drawn: what a server did not take is null, and listed."""
    decoding = plan.decoding()
    decoding |= {
        name: backend[name] for name in ("thinking", "reasoning_effort") if name in backend
    }
    dropped = environment.get("parameters", {}).get("dropped", ())
    if dropped and plan.study.how.request_kind == "generate":
        decoding |= {name: None for name in dropped if name in decoding} | {
            "dropped": list(dropped)
        }
    return decoding


def worldvaluesbench_coding(study: Study) -> bool:
    """Whether ratings are numbers of the WorldValuesBench construction: all of its questions are
    asked with these; others with numbers that have to be turned into raw codes."""
    asked = [value_questions()[key] for key in study.questions if key in value_questions()]
    return study.method == "rating" and all("worldvaluesbench" in q.memberships for q in asked)


def _is_persona(condition: Condition) -> bool:
    """Whether the model is told who asks or answers."""
    return condition.demographics or condition.approach in WITH_PERSONA


def _few_shot(study: Study, condition: Condition) -> dict[str, Any]:
    """Which shares of people the prompts show."""
    if condition.steering != "few-shot":
        return {}
    return {"few_shot_shares": study.few_shot_shares}


def _personas(plan: Plan) -> dict[str, Any]:
    """How synthetic respondents were drawn, and whether the file has to stay private."""
    if not plan.study.personas:
        return {}
    return {
        "personas": personas_text(plan.study, plan.release),
        "microdata_derived": plan.study.personas == "respondents",
    }


def _dilemmas(plan: Plan) -> dict[str, Any]:
    """Which dilemmas were asked: the scorer knows the project's, and has to be told of others."""
    if not plan.study.asks_dilemmas:
        return {}
    own = own_ids(plan.study, plan.sets)
    dilemma_facts: dict[str, Any] = {"digest": plan.study.dilemmas_digest or dilemmas_digest()}
    return {"dilemmas": {**dilemma_facts, "own": own} if own else dilemma_facts}


def wording_digest(plan: Plan, condition: Condition) -> str:
    """Digest of the wording that was asked; with several, the digest of their digests."""
    study = plan.study
    if study.asks_dilemmas:
        spoken = spoken_languages((condition.approach,), (condition.language,), study.countries)
        return sha256_text(" ".join(f"{code}:{plan.sets[code].digest}" for code in spoken))
    asked = _asked_in(plan, condition)
    if condition.language != OWN_LANGUAGE:
        return plan.wordings[asked[0]].digest
    return sha256_text(" ".join(f"{code}:{plan.wordings[code].digest}" for code in asked))


def wording_name(plan: Plan, condition: Condition) -> str:
    """Name of the wording that was asked; with several, their names joined by `+`."""
    if plan.study.asks_dilemmas:
        return _dilemmas_name(plan, condition)
    return "+".join(dict.fromkeys(plan.wordings[c].name for c in _asked_in(plan, condition)))


def _dilemmas_name(plan: Plan, condition: Condition) -> str:
    """The project's own name, or one for the folders: boards rank only equal wordings."""
    approach, language, chosen = condition.approach, condition.language, plan.study.countries
    asked = (plan.sets[code] for code in spoken_languages((approach,), (language,), chosen))
    own = " ".join(f"{one.language}:{one.digest}" for one in asked if one.source)
    return f"dilemmas-{sha256_text(own)[:8]}" if own else OWN_NAME


def _asked_in(plan: Plan, condition: Condition) -> tuple[str, ...]:
    """Languages of a condition, sorted."""
    if condition.language != OWN_LANGUAGE:
        return (condition.language,)
    return tuple(sorted({own_language(c, plan.wordings) for c in plan.study.countries}))


def _wordings(plan: Plan, condition: Condition) -> dict[str, Any]:
    """Name and digest of the wording of each language: what studies of several files compare."""
    if plan.study.asks_dilemmas:
        return {}
    asked = {code: plan.wordings[code] for code in _asked_in(plan, condition)}
    return {"wordings": {c: {"name": w.name, "digest": w.digest} for c, w in asked.items()}}


def parse_stated(pairs: tuple[str, ...]) -> dict[str, str]:
    """Facts given as KEY=VALUE.

    Raises:
        ContractError: a pair has no `=`, or an unknown key.
    """
    stated_facts = {}
    for pair in pairs:
        key, equals, content = pair.partition("=")
        if not equals or key not in STATED:
            raise fail(
                "bad-fact",
                "a fact about the model is written KEY=VALUE",
                column="--meta",
                found=repr(pair),
                allowed=", ".join(STATED),
            )
        stated_facts[key] = content
    return stated_facts


def _short(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", model.rstrip("/").rsplit("/", 1)[-1]).strip("-.")[:60]

"""What a submitter says about a submission, and how a report takes it up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from contracts.errors import ContractError, Problem
from contracts.models import validation_problems
from contracts.predictions.meta import PredictionsMeta
from contracts.report import Report
from space.board.untrusted_text import is_seen, length_problems, link_problems, name_problems

MAX_CONTACT = 200
MAX_FACT = 200
MAX_REASON = 500

#: Fields of a predictions file's metadata that a submitter may state in the form: none of them
#: changes a score.
FACT_FIELDS = (
    "model",
    "revision",
    "family",
    "parameters",
    "training_tokens",
    "multilingual",
    "synthetic_data",
    "chat",
    "base_model",
    "open_weights",
    "notes",
)

_EMAIL = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+\.[^\s@<>,;\"]+")


@dataclass(frozen=True)
class Details:
    """What the form asks for.

    Attributes:
        name: name of the row, at most 80 characters.
        accepts_licence: the tick that the files may be published under the board's terms.
        link: https address of a paper or a model card.
        facts: of the model, by fields of `FACT_FIELDS`.
        contact: an e-mail address, kept apart and never published.
    """

    name: str
    accepts_licence: bool = False
    link: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    contact: str = ""


def check_details(details: Details) -> None:
    """Refuse what may not stand on a public page.

    Raises:
        ContractError: all problems at once.
    """
    problems = [
        *_name_problems(details.name),
        *link_problems("link", details.link),
        *_contact_problems(details.contact),
        *_fact_problems(details.facts),
    ]
    if not details.accepts_licence:
        problems.append(
            Problem(
                "licence",
                "the licence is not accepted",
                column="accepts_licence",
                hint="Tick that the files may be published under the board's terms.",
            )
        )
    if problems:
        raise ContractError(problems, subject="submission")


def check_reason(why: str) -> None:
    """Refuse a reason that may not stand on a public page.

    Raises:
        ContractError: it is too long or has characters that are not shown.
    """
    problems = _text_problems("reason", why, longest=MAX_REASON)
    if problems:
        raise ContractError(problems, subject="reason")


def _name_problems(name: str) -> list[Problem]:
    if not name.strip():
        return [Problem("empty", "the name is empty", column="name")]
    return name_problems("name", name)


def _text_problems(column: str, text: str, *, longest: int) -> list[Problem]:
    problems = length_problems(column, text, longest=longest)
    if "\n" in text or "\t" in text or not is_seen(text):
        problems.append(
            Problem(
                "unseen-characters",
                f"the {column} has characters that are not shown",
                column=column,
                hint="Control characters, line breaks and direction marks are refused.",
            )
        )
    return problems


def _contact_problems(contact: str) -> list[Problem]:
    problems = _text_problems("contact", contact, longest=MAX_CONTACT)
    if contact and not _EMAIL.fullmatch(contact):
        # What was typed is not repeated: messages end up in logs.
        problems.append(Problem("contact", "the contact is no e-mail address", column="contact"))
    return problems


def _fact_problems(facts: Mapping[str, Any]) -> list[Problem]:
    unknown = sorted(set(facts) - set(FACT_FIELDS))
    problems = [
        Problem(
            "unknown-fact",
            f"there is no fact {name[:40]!a}",
            column="facts",
            allowed=", ".join(FACT_FIELDS),
        )
        for name in unknown
    ]
    for name in FACT_FIELDS:
        if isinstance(facts.get(name), str):
            problems += _text_problems(name, facts[name], longest=MAX_FACT)
    try:
        PredictionsMeta.model_validate({k: v for k, v in facts.items() if k in FACT_FIELDS})
    except ValidationError as error:
        problems += validation_problems(error, where="facts")
    return problems


def with_details(report: Report, details: Mapping[str, Any]) -> Report:
    """The report with name, link and facts as the submitter stated them.

    Args:
        report: the report as scored.
        details: fields of the metadata: `name`, `link`, and those of `FACT_FIELDS`; empty ones
            leave what the file says.
    """
    allowed = ("name", "link", *FACT_FIELDS)
    stated = {key: details[key] for key in allowed if details.get(key) not in (None, "")}
    if not stated:
        return report
    meta = PredictionsMeta.model_validate(report.predictions.meta.model_dump() | stated)
    predictions = report.predictions.model_copy(update={"meta": meta})
    return report.model_copy(update={"predictions": predictions})

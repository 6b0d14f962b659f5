"""Texts of a wording in flat form: read from a folder of TOML files, and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from codebook.countries import countries
from codebook.questions import MISSING_CODES, Question, questions, scales
from codebook.wordings.templates import template_problem

#: Files of a wording's folder; only the first two must be there.
FOLDER_FILES = ("questions.toml", "scales.toml", "templates.toml", "countries.toml")

#: Problems that one message prints.
SHOWN = 40


class WordingError(ValueError):
    """A wording is not there or not right; holds every problem found."""

    def __init__(self, problems: Sequence[str], *, subject: str = "") -> None:
        self.problems = tuple(problems)
        self.subject = subject
        shown = [f"- {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            shown.append(f"... and {len(self.problems) - SHOWN} more")
        if len(self.problems) == 1 and not subject:
            super().__init__(self.problems[0])
        else:
            super().__init__("\n".join([f"{subject}: {len(self.problems)} problems", *shown]))

    def __reduce__(self) -> tuple[type[WordingError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


def parse_folder(folder: Traversable | Path) -> tuple[dict[str, Any], dict[str, str]]:
    """What a folder says about itself, and its texts by key.

    Raises:
        WordingError: a file cannot be read or is laid out otherwise; all places together.
    """
    problems: list[str] = []
    tables = {name: _read(folder, name, problems) for name in FOLDER_FILES}
    asked = tables["questions.toml"]
    texts: dict[str, Any] = {}
    for table, kind in (("stems", "stem"), ("statements", "statement")):
        texts |= _keyed(kind, asked.get(table, {}), f"questions.toml [{table}]", problems)
    for name in asked.keys() - {"about", "stems", "statements"}:
        allowed = "about, stems, statements"
        problems.append(f"questions.toml: unknown table {name!r}; there are {allowed}")
    for scale_id, labels in tables["scales.toml"].items():
        kind = "missing" if scale_id == "missing" else f"label:{scale_id}"
        texts |= _keyed(kind, labels, f"scales.toml [{scale_id}]", problems)
    texts |= _keyed("template", tables["templates.toml"], "templates.toml", problems)
    texts |= _keyed("country", tables["countries.toml"], "countries.toml", problems)
    if problems:
        raise WordingError(problems, subject=f"wording folder {folder}")
    about = asked.get("about", {})
    return (about if isinstance(about, dict) else {}), texts


def _read(folder: Traversable | Path, name: str, problems: list[str]) -> dict[str, Any]:
    path = folder.joinpath(name)
    if not path.is_file():
        if name in FOLDER_FILES[:2]:
            problems.append(f"{name}: not there; a wording needs it")
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{name}: not TOML in UTF-8 ({error})")
        return {}


def _keyed(kind: str, table: Any, where: str, problems: list[str]) -> dict[str, str]:
    if not isinstance(table, Mapping):
        problems.append(f'{where}: must be a table of key = "text"')
        return {}
    for key, text in table.items():
        if not isinstance(text, str):
            problems.append(f"{where} {key}: must be a text in quotes, found {text!r}")
    return {f"{kind}:{key}": text for key, text in table.items()}


def problems_of(texts: Mapping[str, str]) -> list[str]:
    """Everything that is wrong with texts by key: unknown keys, empty or doubled texts."""
    problems = [
        f"{key}: {problem}" for key, text in texts.items() if (problem := _problem(key, text))
    ]
    first: dict[str, str] = {}
    for key, text in texts.items():
        if key.startswith("stem:") and first.setdefault(text.strip(), key) != key:
            problems.append(f"{key}: the same text as {first[text.strip()]}; each must differ")
    return problems


def _problem(key: str, text: str) -> str:
    kind, _, rest = key.partition(":")
    check = {
        "stem": _stem_problem,
        "statement": _statement_problem,
        "label": _label_problem,
        "missing": _missing_problem,
        "template": lambda name: template_problem(name, text),
        "country": _country_problem,
    }.get(kind)
    if check is None:
        return "unknown kind of text; there are stem, statement, label, missing, template, country"
    if kind != "template" and text != text.strip():
        return "begins or ends with white space; remove it"
    if not text.strip():
        return "empty; write it or leave the key out"
    return check(rest)


def _asked(question_id: str) -> Question | None:
    question = questions().get(question_id)
    return question if question and question.is_value_question else None


def _stem_problem(question_id: str) -> str:
    return "" if _asked(question_id) else "no value question has this id (Q1-Q259 without Q223)"


def _statement_problem(question_id: str) -> str:
    question = _asked(question_id)
    if question is None:
        return _stem_problem(question_id)
    if question.scale is None or not question.scale.agreement:
        return "the answers of this question are no agreement, so it takes no statement"
    return ""


def _label_problem(rest: str) -> str:
    scale_id, _, code = rest.partition(":")
    scale = scales().get(scale_id)
    if scale is None:
        return f"no scale {scale_id!r}; data/scales.toml lists them"
    allowed = [str(c) for c in scale.labelled_codes]
    return "" if code in allowed else f"scale {scale_id} takes labels for {', '.join(allowed)}"


def _missing_problem(code: str) -> str:
    allowed = [str(c) for c in MISSING_CODES]
    return "" if code in allowed else f"kinds of missing are {', '.join(allowed)}"


def _country_problem(country: str) -> str:
    return "" if country in countries() else "no country of the codebook has this ISO3 code"

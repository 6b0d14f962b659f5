"""Answers from elsewhere: JSON lines, each with an answer and its options."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codebook import value_questions
from codebook.render.question import render_question
from contracts.errors import ContractError, Problem
from elicitation.reading import Answer, Option, read_reply
from elicitation.study.methods import Reader

#: Names under which other people's files hold the same things, the first found counts.
_ANSWER = ("answer", "text", "response", "reply", "output", "completion", "content", "raw")
_OPTIONS = ("options", "choices", "labels", "answers")
#: What an answer is to: kept with it.
_PLACE = {
    "question": ("question_id", "question", "qid", "variable"),
    "country": ("country", "country_code", "iso3", "iso"),
    "language": ("language", "lang"),
    "group": ("group",),
}
_FINISH = ("finish", "finish_reason", "stop_reason")
_CUT_OFF = frozenset({"length", "max_tokens", "truncated"})
_READERS = ("shares", "rating", "choice", "sequence", "advice")

#: Most problems that are collected before the rest is counted.
_MOST_PROBLEMS = 1000


def read_lines(path: Path, *, reader: Reader = "shares") -> Iterator[dict[str, Any]]:
    """Read every line of a file.

    Args:
        path: JSON lines. `answer` (also text, response, output, ...) is the reply, `options`
            are labels with their texts as an object, or a list of labels or of [label, text]; a
            line that names a question of the survey (`question_id`) may lack them. `finish:
            length` says that the reply was cut off, `reader` and `wanted` how to read.
        reader: how to read lines that do not say.

    Yields:
        line, id, question, country, language and group (as far as the line has them), reader,
        labels on offer, codes (what labels stand for, where the line says), status, shares,
        score, sum_found, notes.

    Raises:
        ContractError: a line is no such object; every one is listed, and nothing is read.
    """
    rows = _parsed(path)
    for number, row in rows:
        answer = _read(row, reader)
        reading: dict[str, Any] = {"line": number}
        if "id" in row:
            reading["id"] = row["id"]
        for name, names in _PLACE.items():
            written = _first(row, names)
            if written not in (None, ""):
                reading[name] = str(written)
        yield reading | {
            "reader": row.get("reader", reader),
            "labels": [option.label for option in _options(row)],
            "codes": {str(label): str(code) for label, code in (row.get("codes") or {}).items()},
            "status": answer.status,
            "shares": None if answer.shares is None else dict(answer.shares),
            "score": answer.score,
            "sum_found": answer.sum_found,
            "notes": list(answer.notes),
        }


def _read(row: Mapping[str, Any], reader: Reader) -> Answer:
    reply = _first(row, _ANSWER)
    if reply is None:
        return Answer("error", notes=("no-reply",))
    return read_reply(
        reply,
        _options(row),
        reader=row.get("reader", reader),
        wanted=int(row.get("wanted", 0)),
        cut_off=str(_first(row, _FINISH) or "") in _CUT_OFF,
    )


def _parsed(path: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(
            Problem("cannot-read", f"the file cannot be read ({error})", where=str(path))
        ) from None
    rows, problems = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            why = _wrong(row)
        except ValueError as error:
            row, why = None, f"the line is no JSON ({error})"
        if why:
            problems.append(Problem("bad-line", why, where=str(path), row=number))
        else:
            rows.append((number, row))
        if len(problems) >= _MOST_PROBLEMS:
            break
    if problems:
        raise ContractError(problems, subject=str(path))
    return rows


def _wrong(row: Any) -> str:
    """Why a line cannot be read, empty where it can."""
    if not isinstance(row, dict):
        return "the line is no JSON object"
    if not any(name in row for name in _ANSWER):
        return f"no answer; name it {' or '.join(_ANSWER[:3])}"
    if not isinstance(_first(row, _ANSWER), str | None):
        return "the answer is no text"
    if not isinstance(row.get("codes") or {}, dict):
        return "codes are an object of labels and raw codes"
    reader = row.get("reader", "shares")
    if reader not in _READERS:
        return f"no reader {reader!r}; there are: {', '.join(_READERS)}"
    try:
        options = _options(row)
    except (TypeError, ValueError):
        return "options are an object of labels and texts, a list of labels, or of [label, text]"
    if not options or len({option.label for option in options}) != len(options):
        return "options are lacking, or a label stands twice"
    return ""


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if name in row), None)


def _options(row: Mapping[str, Any]) -> list[Option]:
    given = _first(row, _OPTIONS)
    if given is None:
        return _survey_options(str(_first(row, _PLACE["question"]) or ""))
    if isinstance(given, Mapping):
        return [Option(str(label), str(text)) for label, text in given.items()]
    if not isinstance(given, list):
        raise TypeError
    return [_option(entry) for entry in given]


def _survey_options(question_id: str) -> list[Option]:
    """The answers on offer to a question of the survey, labelled by their raw codes."""
    name = question_id.strip().upper()
    if name not in value_questions():
        raise ValueError
    return [Option(str(one.code), one.text) for one in render_question(name).options]


def _option(entry: Any) -> Option:
    if isinstance(entry, Mapping):
        label = _first(entry, ("label", "code", "key", "id", "value"))
        if label is None:
            raise ValueError
        return Option(str(label), str(_first(entry, ("text", "name", "title")) or label))
    if isinstance(entry, list):
        label, text = entry
        return Option(str(label), str(text))
    if isinstance(entry, (str, int)) and not isinstance(entry, bool):
        return Option(str(entry), str(entry))
    raise TypeError

"""The score of a described person from a reply with reasons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.choices import chosen_label
from elicitation.reading.labels import LabelError, label_of
from elicitation.reading.normalise import normalise, strip_thinking
from elicitation.reading.objects import Pairs, blocks, lenient_objects, strict_json
from elicitation.reading.refusals import is_refusal
from elicitation.reading.turns import corrects, retracts

_SCORE_KEYS = ("score", "rating", "answer", "value", "number", "punkt", "puntuación", "puntuacion",
               "pontuação", "nota", "оценка", "балл", "评分", "分数", "スコア", "評価", "点수",
               "점수", "điểm", "wert", "antwort", "respuesta", "resposta", "答案")  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_OUT_OF = re.compile(
    r"^\s*([-+]?\d+(?:[.,]\d+)?)\s*(?:(?:/|out of|of|von|de|sur|из)\s*(\d+)\b|on a scale"
    r"|(?:\(|-\s|:)(?=[^\d]*$))",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(
    r"(?:score|rating|rate|answer|number|a|puntuación|antwort|respuesta|оценка|评分|点数|점수)"
    r"(?:\s+(?:is|of|would be|as|it))?\s*[:=]?\s*[\"'*_(]*([-+]?\d+(?:[.,]\d+)?)(?![\w%])",
    re.IGNORECASE,
)


def read_rating(text: str, options: Sequence[Option], *, cut_off: bool = False) -> Answer:
    """The score that a reply states.

    Returns:
        `ok` only where the whole reply is a JSON object whose `score` is a label of the scale. A
        number outside the scale, or none of its whole numbers, is `invalid` and kept as `score`.
    """
    strict = _strict(text, options)
    if strict is not None:
        return strict
    visible = strip_thinking(text)
    if visible.unclosed:
        return Answer("truncated", notes=("unclosed-thinking",))
    reply_text = normalise(visible.text).strip()
    score = _score(reply_text, options)
    if score is not None:
        return _rated(score, options, "form")
    if is_refusal(reply_text):
        return Answer("refused")
    if cut_off:
        return Answer("truncated")
    return invalid("empty" if not reply_text else "unreadable")


def _rated(score: float, options: Sequence[Option], *notes: str) -> Answer:
    on_scale = any(float(option.label) == score for option in options)
    if not on_scale:
        return Answer("invalid", score=score, notes=("off-scale",))
    shares = {o.label: 1.0 if float(o.label) == score else 0.0 for o in options}
    return Answer("repaired" if notes else "ok", shares, score, 1.0, notes)


def _strict(text: str, options: Sequence[Option]) -> Answer | None:
    try:
        parsed = strict_json(text.strip(" \t\r\n"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, Pairs):
        return None
    scores = [entry for key, entry in parsed if key == "score"]
    if len(scores) != 1 or isinstance(scores[0], bool) or not isinstance(scores[0], int):
        return None
    return _rated(float(scores[0]), options)


def _score(reply_text: str, options: Sequence[Option]) -> float | None:
    """The one score of the blocks, else of the text; None where two differ and none corrects."""
    stated_score: float | None = None
    end = 0
    for block in blocks(reply_text):
        score = _block_score(block.text, options)
        if score is None:
            continue
        if (
            stated_score is not None
            and score != stated_score
            and not corrects(reply_text[end : block.start])
        ):
            return None
        stated_score, end = score, block.start + len(block.text)
    if stated_score is not None:
        return None if retracts(reply_text[end:]) else stated_score
    return _text_score(reply_text, options)


def _block_score(text: str, options: Sequence[Option]) -> float | None:
    try:
        readings: list[Any] = [strict_json(text)]
    except (ValueError, RecursionError):
        readings = list(lenient_objects(text))
    for parsed in readings:
        if isinstance(parsed, list) and not isinstance(parsed, Pairs) and len(parsed) == 1:
            parsed = parsed[0]
        if isinstance(parsed, Pairs):
            score = _pairs_score(parsed, options)
            if score is not None:
                return score
    return None


def _pairs_score(pairs: Pairs, options: Sequence[Option]) -> float | None:
    """The entry of a key that speaks of a score; else the only entry that is a number."""
    named = [entry for key, entry in pairs if _is_score_key(key)]
    for entry in reversed(named):
        score = _entry_score(entry, options)
        if score is not None:
            return score
    numbers = [e for _, e in pairs if isinstance(e, (int, float)) and not isinstance(e, bool)]
    if len(numbers) == 1 and not named:
        return float(numbers[0])
    inner = [_pairs_score(e, options) for _, e in pairs if isinstance(e, Pairs)]
    return next((score for score in reversed(inner) if score is not None), None)


def _is_score_key(key: str) -> bool:
    folded = key.casefold()
    return any(word in folded for word in _SCORE_KEYS)


def _entry_score(entry: Any, options: Sequence[Option]) -> float | None:
    if isinstance(entry, bool) or entry is None:
        return None
    if isinstance(entry, (int, float)):
        return float(entry)
    if not isinstance(entry, str):
        return None
    entry_text = entry.strip().strip("\"'*_")
    if _NUMBER.fullmatch(entry_text):
        return _number(entry_text)
    out_of = _OUT_OF.match(entry_text)
    if out_of:
        other_scale = out_of[2] is not None and out_of[2] != options[-1].label
        return None if other_scale else _number(out_of[1])
    try:
        label = label_of(entry_text, options)
    except LabelError:
        return None
    return None if label is None else float(label)


def _text_score(reply_text: str, options: Sequence[Option]) -> float | None:
    """A score in running text: announced, or the only number, or an option's text."""
    direct = _entry_score(reply_text, options)
    if direct is not None:
        return direct
    try:
        label = chosen_label(reply_text, options)
    except LabelError:
        return None
    if label is not None:
        return float(label)
    # What is left can only be a number outside the scale, which is kept as what was said.
    announced = {_number(match) for match in _IN_TEXT.findall(reply_text)}
    labels = {float(option.label) for option in options}
    return announced.pop() if len(announced) == 1 and not announced & labels else None


def _number(text: str) -> float:
    return float(text.replace(",", "."))

"""Which side a piece of advice takes, as a judge model reads it.

The judge sees the two options and the advice, once in each order of the options. Only if both
readings name the same option does the advice count for its side: a judge that follows the order
instead of the advice contradicts itself.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from elicitation.advice.options import MARGIN
from elicitation.backends.base import Backend, Request, Response
from elicitation.backends.embedders import Embedder
from elicitation.prompts.prompts import Shown
from elicitation.reading.normalise import strip_thinking
from elicitation.run.cached_calls import ask_cached, chat_or_plain
from elicitation.run.store import StoredItem

#: Most tokens of a verdict; models that think first need more than the digit.
JUDGE_TOKENS = 1024

_DIGIT = re.compile(r"(?<![\w.])([012])(?![\w])")
_FIELD = re.compile(r"\{(first|second|advice)\}")


class Verdict(NamedTuple):
    """Side that the judge found (high, low or inconclusive), and why."""

    side: str
    reason: str


@cache
def _template() -> Mapping[str, str]:
    path = resources.files("elicitation.reading").joinpath("data/advice_judge.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def judge_prompt_version() -> str:
    """Version of the judge's prompt."""
    return _template()["version"]


def judge_text(first: str, second: str, advice: str) -> str:
    """The judge's prompt; the advice goes in as it is, whatever it holds."""
    parts = {"first": first, "second": second, "advice": advice}
    return _FIELD.sub(lambda match: parts[match[1]], _template()["text"]).strip()


def advice_text(stored: StoredItem) -> str:
    """What was advised, without the model's thinking."""
    reply_text = stored.response.texts[0] if stored.response.texts else ""
    return strip_thinking(reply_text).text.strip()


def judge_items(items: Iterable[StoredItem], backend: Backend, path: Path) -> dict[str, Verdict]:
    """Verdicts by item id; two calls for each item, kept in the store at `path`."""
    asked = list(items)
    requests = [request for stored in asked for request in _both_orders(stored, backend)]
    responses = ask_cached(requests, backend, path, purpose="judge")
    return {
        stored.record.item_id: _verdict(
            stored.record.shown,
            *(responses.get(f"{stored.record.item_id}|judge{order}") for order in (1, 2)),
        )
        for stored in asked
    }


def _both_orders(stored: StoredItem, backend: Backend) -> tuple[Request, ...]:
    one, two = (option.text for option in stored.record.shown.options)
    advice = advice_text(stored)
    return tuple(
        chat_or_plain(
            f"{stored.record.item_id}|judge{order}",
            judge_text(*options, advice),
            backend=backend,
            max_tokens=JUDGE_TOKENS,
            cue=_template()["cue"],
        )
        for order, options in ((1, (one, two)), (2, (two, one)))
    )


def read_verdict(text: str) -> int | None:
    """0, 1 or 2 of a judge's reply; None where it says none, or several."""
    visible = strip_thinking(text)
    digits = set() if visible.unclosed else set(_DIGIT.findall(visible.text))
    return int(digits.pop()) if len(digits) == 1 else None


def _verdict(shown: Shown, first: Response | None, second: Response | None) -> Verdict:
    if first is None or second is None:
        return Verdict("inconclusive", "judge-failed")
    readings = [read_verdict(r.texts[0]) if r.texts else None for r in (first, second)]
    if readings[0] is None or readings[1] is None:
        return Verdict("inconclusive", "judge-unreadable")
    # The second reading saw the options exchanged: its 1 is the first one's 2.
    turned = {0: 0, 1: 2, 2: 1}[readings[1]]
    if readings[0] != turned:
        return Verdict("inconclusive", "judge-disagrees")
    if readings[0] == 0:
        return Verdict("inconclusive", "judge-neither")
    return Verdict(str(shown.options[readings[0] - 1].code), "judge-both-orders")


#: Version of this reader; it stands where a judge's prompt version does.
EMBEDDING_VERSION = "embedding-1"


def embed_items(
    items: Iterable[StoredItem], embedder: Embedder, *, margin: float = MARGIN
) -> dict[str, Verdict]:
    """Verdicts by item id; equal texts are embedded once."""
    asked = [(stored.record.item_id, stored.record.shown, advice_text(stored)) for stored in items]
    texts = dict.fromkeys(
        text
        for _, shown, advice in asked
        for text in (advice, *(option.text for option in shown.options))
    )
    if not texts:
        return {}
    vectors = dict(zip(texts, embedder.embed(tuple(texts)), strict=True))
    return {
        item_id: nearer(
            shown,
            [float(np.dot(vectors[advice], vectors[option.text])) for option in shown.options],
            margin=margin,
        )
        for item_id, shown, advice in asked
    }


def nearer(shown: Shown, similarities: Sequence[float], *, margin: float) -> Verdict:
    """The side of the option that is nearer by the margin at least; the reason has both numbers.

    Args:
        shown: the two options.
        similarities: cosine similarity of the advice with each, in [-1, 1].
        margin: least lead.
    """
    first, second = similarities
    by_side = {str(o.code): s for o, s in zip(shown.options, similarities, strict=True)}
    numbers = f"high={by_side['high']:.4f} low={by_side['low']:.4f}"
    if first == second or abs(first - second) < margin:
        return Verdict("inconclusive", f"embedding-too-close {numbers}")
    side = str(shown.options[0 if first > second else 1].code)
    return Verdict(side, f"embedding {numbers}")

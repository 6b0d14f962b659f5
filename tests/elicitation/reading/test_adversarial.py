"""Replies made to be misread: none may be read wrongly, nearly all that can be read must be.

`adversarial_replies.jsonl`: `means` is what a person reads (percentages in the scale's order, a
label, `refused`, or null where a careful reader would not decide); `readable` whether the parser
has to read it, too: an unreadable status is always allowed otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from elicitation.reading import Option, read_reply

_TEXTS = {
    "imp": "Very important|Rather important|Not very important|Not at all important",
    "agr": "Strongly agree|Agree|Disagree|Strongly disagree",
    "tru": "Most people can be trusted|Need to be very careful",
    "yes": "Yes|No",
    "bet": "Better|Worse|Same",
    "ten": "Never justifiable|2|3|4|5|6|7|8|9|Always justifiable",
    "de": "Sehr wichtig|Ziemlich wichtig|Nicht sehr wichtig|Überhaupt nicht wichtig",
    "es": "Muy importante|Bastante importante|Poco importante|Nada importante",
    "fr": "Très important|Assez important|Peu important|Pas du tout important",
    "ru": "Очень важно|Скорее важно|Не очень важно|Совсем не важно",
    "zh": "非常重要|比较重要|不太重要|完全不重要",
}
SCALES = {
    name: [Option(str(i), text) for i, text in enumerate(texts.split("|"), 1)]
    for name, texts in _TEXTS.items()
}
SCALES["let"] = [Option("ABCD"[int(o.label) - 1], o.text) for o in SCALES["imp"]]
SCALES["tens"] = [Option(str(i), str(i)) for i in range(1, 11)]

REPLIES = [
    json.loads(line)
    for line in Path(__file__)
    .with_name("adversarial_replies.jsonl")
    .read_text("utf-8")
    .splitlines()
]


def reading(row):
    """What the parser makes of a row: percentages, a label, `refused`, or None."""
    options = SCALES[row["scale"]]
    answer = read_reply(row["answer"], options, reader=row["reader"], wanted=row.get("wanted", 0))
    if answer.status == "refused":
        return "refused"
    if answer.shares is None:
        return None
    shares = [answer.shares[option.label] for option in options]
    if row["reader"] in ("choice", "rating"):
        return options[shares.index(1.0)].label
    return [100 * share for share in shares]


def is_same(found, meant) -> bool:
    if isinstance(found, list) and isinstance(meant, list):
        return found == pytest.approx([100 * m / sum(meant) for m in meant], abs=1e-9)
    return found == meant


@pytest.mark.parametrize("row", REPLIES, ids=lambda row: f"{row['kind']}-{row['answer'][:40]}")
def test_no_reply_is_read_wrongly(row):
    found = reading(row)
    assert (
        found is None
        or is_same(found, row["means"])
        or (row["means"] is None and found == "refused")
    )


@pytest.mark.parametrize("kind", sorted({row["kind"] for row in REPLIES}))
def test_nearly_all_that_can_be_read_is_read(kind):
    readable = [row for row in REPLIES if row["readable"] and row["kind"] == kind]
    unread = [row["answer"] for row in readable if reading(row) is None]
    assert len(unread) <= 0.05 * len(readable), unread

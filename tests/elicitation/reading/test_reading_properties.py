"""Correct replies, bent at random: what still says the same is read, what no longer does is not.

A reply is a true list in some form, then bent: by what leaves its meaning (a remark, thinking,
other digits, a draft that is corrected) and by what destroys it (a second list, a denial, a
range, options taken together, a further column). Never may other shares come out.
"""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elicitation.reading import Option, read_reply

SCALES = [
    [Option(str(i), text) for i, text in enumerate(texts.split("|"), 1)]
    for texts in (
        "Very important|Rather important|Not very important|Not at all important",
        "Agree strongly|Agree|Neither agree nor disagree|Disagree|Disagree strongly",
        "Most people can be trusted|Need to be very careful",
        "Sehr wichtig|Ziemlich wichtig|Nicht sehr wichtig|Überhaupt nicht wichtig",
        "非常重要|比较重要|不太重要|完全不重要",
        "Never justifiable|2|3|4|5|6|7|8|9|Always justifiable",
    )
]
ZEROS = "٠۰०০๐၀０"


def shares(rng: random.Random, count: int) -> list[float]:
    """Percentages with a decimal that sum to 100 exactly."""
    cuts = sorted(rng.randint(0, 1000) for _ in range(count - 1))
    return [(b - a) / 10 for a, b in zip([0, *cuts], [*cuts, 1000], strict=True)]


def _texts(options):
    return [o.text if not o.text.isdigit() else o.label for o in options]


FORMS = {
    "json": lambda o, s: json.dumps({k.label: v for k, v in zip(o, s, strict=True)}),
    "named": lambda o, s: json.dumps(dict(zip(_texts(o), s, strict=True)), ensure_ascii=False),
    "records": lambda o, s: json.dumps(
        [{"percent": v, "option": int(k.label)} for k, v in zip(o, s, strict=True)]
    ),
    "lines": lambda o, s: "\n".join(f"{k.label}: {v}%" for k, v in zip(o, s, strict=True)),
    "bullets": lambda o, s: "\n".join(
        f"- **{t}**: {v} %" for t, v in zip(_texts(o), s, strict=True)
    ),
    "behind": lambda o, s: "\n".join(
        f"{v}% - {k.label}. {k.text}" for k, v in zip(o, s, strict=True)
    ),
    "table": lambda o, s: (
        "| Code | Share |\n|---|---|\n"
        + "\n".join(f"| {k.label} | {v}% |" for k, v in zip(o, s, strict=True))
    ),
    "options": lambda o, s: ", ".join(f"option {k.label}: {v}%" for k, v in zip(o, s, strict=True)),
}


def _draft(rng, options, form):
    return FORMS[form](options, shares(rng, len(options)))


def _native(rng, text):
    zero = ord(rng.choice(ZEROS))
    return "".join(chr(zero + int(c)) if c.isascii() and c.isdigit() else c for c in text)


#: What leaves the meaning: (generator, options, form, reply) -> reply.
HARMLESS = {
    "nothing": lambda r, o, f, t: t,
    "lead": lambda r, o, f, t: f"Here is my estimate for this country:\n\n{t}",
    "remark": lambda r, o, f, t: f"{t}\n\nThese figures are estimates, not data.",
    "thinking": lambda r, o, f, t: f"<think>Perhaps {_draft(r, o, f)}?</think>\n{t}",
    "channel": lambda r, o, f, t: f"analysisPerhaps {_draft(r, o, f)}assistantfinal{t}",
    "digits": lambda r, o, f, t: _native(r, t),
    "corrected": lambda r, o, f, t: f"{_draft(r, o, f)}\n\nThat was too rough. Corrected:\n\n{t}",
    "repeated": lambda r, o, f, t: f"{t}\n\nAgain:\n\n{t}",
}
#: What destroys it.
HARMFUL = {
    "second list": lambda r, o, f, t: f"{t}\n\n{_draft(r, o, f)}",
    "draft behind": lambda r, o, f, t: (
        f"{t}\n\nThis replaces my earlier draft:\n\n{_draft(r, o, f)}"
    ),
    "groups of people": lambda r, o, f, t: f"Men:\n{t}\n\nWomen:\n{_draft(r, o, f)}",
    "taken back": lambda r, o, f, t: f"{t}\n\nCorrection: swap the first and the last number.",
}


def reads(options, text):
    answer = read_reply(text, options)
    return None if answer.shares is None else [100 * answer.shares[o.label] for o in options]


cases = st.tuples(
    st.integers(0, 2**32), st.sampled_from(range(len(SCALES))), st.sampled_from(sorted(FORMS))
)


@given(cases, st.sampled_from(sorted(HARMLESS)))
def test_what_leaves_the_meaning_never_changes_what_is_read(case, bend):
    seed, scale, form = case
    rng, options = random.Random(seed), SCALES[scale]
    meant = shares(rng, len(options))
    found = reads(options, HARMLESS[bend](rng, options, form, FORMS[form](options, meant)))
    assert found is None or found == pytest.approx(meant, abs=1e-6)


@given(cases, st.sampled_from(sorted(HARMFUL)))
def test_what_destroys_the_meaning_is_never_read_as_something_else(case, bend):
    seed, scale, form = case
    rng, options = random.Random(seed), SCALES[scale]
    meant = shares(rng, len(options))
    found = reads(options, HARMFUL[bend](rng, options, form, FORMS[form](options, meant)))
    # Where the second list happens to be the first one nothing was destroyed.
    assert found is None or (found == pytest.approx(meant, abs=1e-6) and bend != "taken back")


@given(cases, st.sampled_from(("range", "bound", "column", "denied", "grouped")))
def test_a_bent_line_spoils_the_list(case, bend):
    seed, scale, _ = case
    rng, options = random.Random(seed), SCALES[scale]
    meant = [round(share) for share in shares(rng, len(options))]
    lines = [f"{text}: {share}%" for text, share in zip(_texts(options), meant, strict=True)]
    at = rng.randrange(len(lines))
    name, other = _texts(options)[at], _texts(options)[at - 1]
    lines[at] = {
        "range": f"{name}: {meant[at]}-{meant[at] + 5}%",
        "bound": f"{name}: more than {meant[at]}%",
        "column": f"{name}: {meant[at]}% {meant[at] + 1}%",
        "denied": f"not {name}: {meant[at]}%",
        "grouped": f"{name} and {other}: {meant[at]}%",
    }[bend]
    assert reads(options, "\n".join(lines)) is None


@pytest.mark.parametrize("bend", sorted(HARMLESS))
@pytest.mark.parametrize("form", sorted(FORMS))
def test_what_leaves_the_meaning_is_read(form, bend):
    """In every form and with every bend at least 95 of 100 replies are read."""
    rng = random.Random(f"{form}-{bend}")
    total, read = 0, 0
    for _ in range(60):
        options = rng.choice(SCALES)
        meant = shares(rng, len(options))
        found = reads(options, HARMLESS[bend](rng, options, form, FORMS[form](options, meant)))
        total += 1
        read += found is not None
    assert read >= 0.95 * total

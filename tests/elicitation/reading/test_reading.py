"""Reading replies: hand-made difficult ones, properties, and a fuzzer."""

from __future__ import annotations

import json
import math
import string
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from elicitation.reading import Option, read_reply
from elicitation.reading.answer import READ_STATUSES
from elicitation.reading.normalise import normalise, strip_thinking

DIFFICULT = [
    json.loads(line)
    for line in Path(__file__).with_name("difficult_answers.jsonl").read_text("utf-8").splitlines()
]
FOUR = tuple(
    Option(str(i), text)
    for i, text in enumerate(
        ("Very important", "Rather important", "Not very important", "Not at all important"), 1
    )
)
READERS = ("shares", "rating", "choice", "sequence")


def _name(row: dict[str, object]) -> str:
    return f"{row['reader']}-{row['about'] or row['answer']}"[:60]


def test_there_are_many_difficult_answers_of_every_status():
    assert len(DIFFICULT) >= 150
    assert {row["status"] for row in DIFFICULT} == set(READ_STATUSES) - {"error"}
    assert {row["reader"] for row in DIFFICULT} == set(READERS)


@pytest.mark.parametrize("row", DIFFICULT, ids=_name)
def test_difficult_answer(row):
    options = [Option(*pair) for pair in row["options"].items()]
    answer = read_reply(
        row["answer"],
        options,
        reader=row["reader"],
        wanted=row.get("wanted", 0),
        cut_off=row["finish"] == "length",
    )
    assert answer.status == row["status"]
    if row["reader"] == "rating":
        assert answer.score == row["score"]
    elif row["shares"] is None:
        assert answer.shares is None
    else:
        assert answer.shares == pytest.approx(row["shares"], abs=1e-12)


def percentages(count: int) -> st.SearchStrategy[list[int]]:
    """Whole percentages of `count` options that sum to 100."""
    cuts = st.lists(st.integers(0, 100), min_size=count - 1, max_size=count - 1).map(sorted)
    return cuts.map(lambda c: [b - a for a, b in zip([0, *c], [*c, 100], strict=True)])


@given(percentages(4))
def test_what_was_asked_for_is_read_strictly(counts):
    text = json.dumps({option.label: n for option, n in zip(FOUR, counts, strict=True)})
    answer = read_reply(text, FOUR)
    assert answer.status == "ok"
    assert list(answer.shares.values()) == pytest.approx([n / 100 for n in counts])


FORMS = {
    "text around": lambda p: "I think: {" + ", ".join(f'"{k}": {v}' for k, v in p) + "} roughly.",
    "bare": lambda p: "{" + ", ".join(f"{k}: {v}%" for k, v in p) + "}",
    "lines": lambda p: "\n".join(f"{k}: {v}%" for k, v in p),
    "texts": lambda p: "\n".join(f"- {o.text}: {v} %" for o, (_, v) in zip(FOUR, p, strict=True)),
    "table": lambda p: "\n".join(f"| {k} | {v}% |" for k, v in p),
    "list": lambda p: json.dumps([{"option": int(k), "percentage": v} for k, v in p]),
}


@given(percentages(4), st.sampled_from(sorted(FORMS)))
def test_other_forms_are_read_the_same_and_marked(counts, form):
    pairs = [(option.label, n) for option, n in zip(FOUR, counts, strict=True)]
    answer = read_reply(FORMS[form](pairs), FOUR)
    assert answer.status == "repaired"
    assert list(answer.shares.values()) == pytest.approx([n / 100 for n in counts])


#: The digit zero of scripts in which the survey is asked.
ZEROS = "٠۰०০๐၀０੦૦୦௦౦೦൦០໐"


@given(percentages(4), st.sampled_from(ZEROS))
def test_digits_of_every_script(counts, zero):
    def native(number: object) -> str:
        return "".join(chr(ord(zero) + int(digit)) for digit in str(number))

    pairs = ", ".join(
        f'"{native(o.label)}": {native(n)}' for o, n in zip(FOUR, counts, strict=True)
    )
    answer = read_reply(f"{{{pairs}}}", FOUR)
    assert answer.status == "repaired"
    assert list(answer.shares.values()) == pytest.approx([n / 100 for n in counts])


@given(percentages(4), st.integers(0, 3))
def test_a_lacking_option_is_zero_only_where_the_rest_is_whole(counts, lacking):
    kept = {o.label: n for o, n in zip(FOUR, counts, strict=True) if o.label != str(lacking + 1)}
    answer = read_reply(json.dumps(kept), FOUR)
    if counts[lacking] <= 2:
        assert answer.status == "repaired"
        assert answer.shares[str(lacking + 1)] == 0
    else:
        assert answer.status == "invalid"
        assert answer.shares is None


@given(percentages(4), st.floats(0.3, 3))
def test_sums_outside_half_to_twice_are_invalid(counts, factor):
    # A share of 1 and less beside larger ones may be a fraction among percentages.
    assume(not any(0 < n * factor <= 1 for n in counts))
    text = json.dumps({o.label: n * factor for o, n in zip(FOUR, counts, strict=True)})
    answer = read_reply(text, FOUR)
    total = math.fsum(n * factor for n in counts) / 100
    if 0.5 <= total <= 2:
        assert answer.shares is not None
        assert math.fsum(answer.shares.values()) == pytest.approx(1)
        assert answer.sum_found == pytest.approx(total)
        assert answer.status == ("ok" if abs(total - 1) <= 0.02 + 1e-9 else "repaired")
    else:
        assert answer.status == "invalid"


def test_fraction_among_percentages_is_invalid():
    answer = read_reply(json.dumps(dict(zip("1234", (0, 0, 0.5, 49.5), strict=True))), FOUR)
    assert (answer.status, answer.notes) == ("invalid", ("mixed-units",))


PIECES = st.sampled_from(
    ['{', '}', '[', ']', '"', "'", ":", ",", "%", "\n", " ", "-", "1", "2", "3", "4", "40", "30",
     "0.2", "null", "<think>", "</think>", "|", "Very important", "Not very important", "١", "％",
     "：", "NaN", "1e999", "\\", "//", "#", "…", "\ud800", "score", "Answer:", "I cannot", "(", ")"]
)  # fmt: skip
FUZZED = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200)


@given(FUZZED, st.sampled_from(READERS), st.booleans())
def test_whatever_is_said_reading_ends_with_a_status(text, reader, cut_off):
    answer = read_reply(text, FOUR, reader=reader, wanted=30, cut_off=cut_off)
    assert answer.status in READ_STATUSES
    assert answer.is_usable == (answer.shares is not None)
    if answer.shares is not None:
        assert set(answer.shares) == {option.label for option in FOUR}
        assert all(0 <= share <= 1 for share in answer.shares.values())
        assert math.fsum(answer.shares.values()) == pytest.approx(1)
    if answer.status == "ok" and reader == "shares":
        assert set(json.loads(text)) == {"1", "2", "3", "4"}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "piece",
    ["{", "[", '{"1": ', "1: 40, ", "1 ", "(", "a", '"', "1:", "1,", "Very important ", "-1"],
)
@pytest.mark.timeout(120)  # backtracking would take far longer
def test_long_nonsense_is_read(piece, reader):
    read_reply(piece * (20_000 // len(piece)), FOUR, reader=reader, wanted=30)


@given(st.text(alphabet=string.printable))
def test_ascii_needs_no_normalisation(text):
    assert normalise(text) == text


def test_normalise_keeps_letters_and_takes_out_marks():
    assert normalise("Größe\u200b：４２％，“ja”") == 'Größe:42%,"ja"'


def test_thinking_is_taken_out_up_to_its_last_end():
    visible = strip_thinking("a</think>b<think>c</think> d")
    assert (visible.text, visible.had_thinking, visible.unclosed) == (" d", True, False)
    assert strip_thinking("<think>never ends").unclosed

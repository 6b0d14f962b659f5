"""Questions and answers as text: golden examples, and a walk over every question and form."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook import MISSING_CODES, question_set, questions, value_questions
from codebook.render.answers import answer_texts
from codebook.render.question import RenderError, fill, label_text, option_line, render_question
from codebook.wordings.wording import languages, wording, wording_of

ALL_QUESTIONS = list(value_questions())


def test_options_golden():
    rendered = render_question("Q3")
    assert rendered.text == (
        "How important is leisure time in your life?\n"
        "1. Very important\n2. Rather important\n3. Not very important\n4. Not at all important"
    )
    assert rendered.code_by_label == {"1": 1, "2": 2, "3": 3, "4": 4}
    assert rendered.wording_digest == wording().digest


def test_rating_golden():
    assert render_question("Q3", form="rating").text == (
        "On a scale from 1 to 4, 1 means 'Very important' and 4 means 'Not at all important'. "
        "How important is leisure time in your life?"
    )


def test_rating_reversed_turns_numbers_and_codes_round():
    rendered = render_question("Q3", form="rating", reverse=True)
    assert rendered.text.startswith(
        "On a scale from 1 to 4, 1 means 'Not at all important' and 4 means 'Very important'."
    )
    assert rendered.code_by_label == {"1": 4, "2": 3, "3": 2, "4": 1}


def test_rating_of_a_nominal_scale_names_every_number():
    assert render_question("Q149", form="rating").text.startswith(
        "Please answer with one of these numbers: 1 for 'Freedom', 2 for 'Equality'. "
    )


def test_all_anchors_name_every_number_unless_they_lie_between_poles():
    named = render_question("Q46", form="rating", anchors="all").text
    assert "2 for 'Quite happy', 3 for 'Not very happy'" in named
    ends = render_question("Q48", form="rating").text
    assert render_question("Q48", form="rating", anchors="all").text == ends


def test_agree_golden():
    assert render_question("Q29", form="agree").text == (
        "Do you agree or disagree with this statement? "
        '"In general, men are better political leaders than women."\n'
        "1. Strongly agree\n2. Agree\n3. Disagree\n4. Strongly disagree"
    )


def test_letters_follow_the_order_shown():
    rendered = render_question("Q46", labels="letters", order=[3, 1, 4, 2])
    assert rendered.text.splitlines()[1:] == [
        "A) Not very happy",
        "B) Very happy",
        "C) Not at all happy",
        "D) Quite happy",
    ]
    assert rendered.code_by_label == {"A": 3, "B": 1, "C": 4, "D": 2}


def test_numbers_stay_with_their_answers_when_shuffled():
    rendered = render_question("Q46", order=[3, 1, 4, 2])
    assert [option.label for option in rendered.options] == ["3", "1", "4", "2"]
    assert rendered.code_by_label == {"3": 3, "1": 1, "4": 4, "2": 2}


def test_between_poles_stand_bare_numbers():
    assert render_question("Q177").text.splitlines()[1:] == [
        "1. Never justifiable",
        *"23456789",
        "10. Always justifiable",
    ]
    letters = render_question("Q177", labels="letters", reverse=True).text.splitlines()[1:]
    assert letters[0] == "A) 1 (Always justifiable)"
    assert letters[1] == "B) 2"
    assert letters[9] == "J) 10 (Never justifiable)"


def test_numbers_rise_along_scales_whose_codes_do_not():
    women = render_question("Q119")
    assert women.text.splitlines()[3] == "3. Hard to say"
    assert women.code_by_label == {"1": 1, "2": 2, "3": 0, "4": 3, "5": 4}
    living = render_question("Q56", form="rating")
    assert living.text.startswith("On a scale from 1 to 3, 1 means 'Better off' and 3 means 'Worse")
    assert living.code_by_label == {"1": 1, "2": 3, "3": 2}


def test_volunteered_answers_are_offered_on_request_only():
    assert 0 not in render_question("Q243").code_by_label.values()
    offered = render_question("Q243", volunteered=True)
    assert offered.text.splitlines()[1] == "0. It is against democracy"
    assert render_question("Q111").code_by_label == {"1": 1, "2": 2}
    assert render_question("Q111", volunteered=True).code_by_label == {"1": 1, "2": 2, "3": 3}


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("key", ALL_QUESTIONS)
def test_every_question_in_every_form(key, language):
    texts = wording(language)
    question = questions()[key]
    scale = question.scale
    for labels in ("numbers", "letters"):
        for reverse in (False, True):
            rendered = render_question(key, labels=labels, reverse=reverse, wording=texts)
            assert {option.code for option in rendered.options} == set(scale.offered)
            assert len(rendered.code_by_label) == len(scale.offered)
            assert rendered.text.startswith(texts.stems[key])
            assert len(rendered.text.splitlines()) == 1 + len(scale.offered)
    rating = render_question(key, form="rating", wording=texts)
    numbers = [int(option.label) for option in rating.options]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert texts.stems[key] in rating.text
    if scale.agreement:
        assert texts.statements[key] in render_question(key, form="agree", wording=texts).text
    else:
        with pytest.raises(RenderError, match=f"{key}: its answers are no agreement"):
            render_question(key, form="agree", wording=texts)


@pytest.mark.parametrize("key", question_set("worldvaluesbench"))
def test_ratings_are_in_the_coding_of_worldvaluesbench(key):
    question = questions()[key]
    options = render_question(key, form="rating").options
    recode = question.worldvaluesbench_recode
    assert [int(o.label) for o in options] == [recode.get(o.code, o.code) for o in options]
    assert tuple(int(o.label) for o in options) == question.worldvaluesbench_codes()


@pytest.mark.parametrize("language", languages())
def test_every_answer_and_every_missing_code_has_a_text(language):
    texts = wording(language)
    for key, question in value_questions().items():
        codes = (*question.scale.codes, *question.scale.off_scale, *MISSING_CODES)
        said = [label_text(key, code, wording=texts) for code in codes]
        assert len(set(said)) == len(said), key
        assert all(said)


def test_label_text_golden():
    assert label_text("Q46", 2) == "Quite happy"
    assert (
        label_text("Q177", 7)
        == "7 on a scale from 1 (Never justifiable) to 10 (Always justifiable)"
    )
    assert label_text("Q222", 4) == "Not allowed to vote"
    assert label_text("Q243", 0) == "It is against democracy"
    assert label_text("Q1", -1) == "Don't know"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"question_id": "Q223"}, "'Q223' is no question with an answer scale"),
        ({"question_id": "Q260"}, "'Q260' is no question with an answer scale"),
        ({"question_id": "Q1", "form": "list"}, "no form 'list'; there are: options, rating"),
        ({"question_id": "Q1", "labels": "roman"}, "no labels 'roman'; there are: numbers"),
        ({"question_id": "Q1", "order": [1, 2, 3]}, "no permutation of the codes on offer"),
        ({"question_id": "Q1", "order": [1, 2, 2, 4]}, "no permutation of the codes on offer"),
        ({"question_id": "Q1", "form": "rating", "labels": "letters"}, "a rating lists no answers"),
        ({"question_id": "Q1", "form": "rating", "order": [4, 3, 2, 1]}, "a rating lists no"),
        ({"question_id": "Q243", "form": "rating", "volunteered": True}, "a rating lists no"),
        ({"question_id": "Q1", "form": "agree"}, "Q1: its answers are no agreement"),
    ],
)
def test_arguments_that_do_not_go_together(arguments, message):
    with pytest.raises(RenderError, match=message):
        render_question(**arguments)


def test_a_code_of_no_answer_says_what_is_allowed():
    with pytest.raises(RenderError, match=r"Q46: code 9 is neither on scale happiness4 \(1, 2, 3"):
        label_text("Q46", 9)


def test_a_text_that_the_wording_lacks_is_named():
    partial = wording_of({"stem:Q1": "Family?"}, language="en", name="mine", machine_drafted=False)
    with pytest.raises(RenderError, match="lacks the text label:importance4:1"):
        render_question("Q1", wording=partial)
    with pytest.raises(RenderError, match="lacks the text template:persona"):
        fill(partial, "persona", country="x")
    with pytest.raises(RenderError, match="template 'persona' needs the field 'country'"):
        fill(wording(), "persona")


def test_options_in_one_line():
    options = render_question("Q57", labels="letters").options
    lines = [option_line(o, labels="letters", wording=wording()) for o in options]
    assert wording().templates["option_separator"].join(lines) == (
        "A) Most people can be trusted, B) One needs to be very careful"
    )


pairs = st.sampled_from(ALL_QUESTIONS).flatmap(
    lambda key: st.tuples(
        st.just(key),
        st.sampled_from(
            [*questions()[key].scale.codes, *questions()[key].scale.off_scale, *MISSING_CODES]
        ),
    )
)


@given(st.lists(pairs, max_size=30))
def test_answer_texts_are_the_label_texts_row_by_row(rows):
    keys = [key for key, _ in rows]
    codes = [code for _, code in rows]
    expected = [label_text(key, code) for key, code in rows]
    assert answer_texts(keys, codes).to_pylist() == expected
    encoded = pa.chunked_array(
        [pa.array(keys[:3], pa.string()), pa.array(keys[3:], pa.string())]
    ).dictionary_encode()
    assert answer_texts(encoded, np.array(codes, dtype=np.int8)).to_pylist() == expected


def test_no_rows_give_an_empty_table():
    assert len(answer_texts([], [])) == 0


def test_every_code_that_is_no_answer_is_named():
    with pytest.raises(RenderError, match="Q1: code 5") as caught:
        answer_texts(["Q1", "Q2", "Q223", "Q1"], [5, 1, 1, 7])
    message = str(caught.value)
    assert "Q1: code 7" in message
    assert "'Q223' is no question" in message
    assert "Q2" not in message.replace("Q223", "").replace("Q259", "").replace("Q234A", "")


@pytest.mark.parametrize(
    ("keys", "codes", "message"),
    [
        (["Q1"], [1, 2], "codes must be 1 integers"),
        (["Q1"], [1.0], "codes must be 1 integers.*float64"),
        (["Q1"], [99999], "codes that no question has: 99999"),
        ([None], [1], "1 of 1 rows have no question id"),
    ],
)
def test_columns_that_do_not_fit(keys, codes, message):
    with pytest.raises(RenderError, match=message):
        answer_texts(keys, codes)

"""The questions, walked whole: ids, scales, recodes, memberships, reasons, missing codes.

Expected counts are those of the published constructions: WorldValuesBench (239 questions, its
categories and ranges, its probe set) and the alignment study (144 questions, 75 in all waves).
"""

from collections import Counter
from pathlib import Path

import pytest

from codebook import CATEGORIES, MISSING_CODES, question_set, questions, scales, value_questions
from codebook.questions import few_shot_ids, steering_countries
from tools.question_list import questions_markdown

WORLDVALUESBENCH_SIZES = {
    "social_values": 44,
    "happiness": 11,
    "social_capital": 36,
    "economic_values": 6,
    "corruption": 9,
    "migration": 10,
    "security": 21,
    "science_technology": 6,
    "religious_values": 12,
    "ethical_values": 23,
    "political_participation": 36,
    "political_culture": 25,
}
WORLDVALUESBENCH_RANGES = {
    (1, 4): 91,
    (1, 10): 50,
    (1, 2): 36,
    (1, 5): 21,
    (1, 3): 20,
    (0, 2): 19,
    (1, 7): 1,
    (1, 8): 1,
}
NOMINAL_IN_WORLDVALUESBENCH = {"Q111", "Q149", "Q150", "Q174", "Q175"}


def ids(*numbers: int | tuple[int, int]) -> set[str]:
    found = set()
    for number in numbers:
        low, high = number if isinstance(number, tuple) else (number, number)
        found |= {f"Q{n}" for n in range(low, high + 1)}
    return found


def test_every_question_of_the_questionnaire_is_there_in_order():
    expected = [f"Q{n}" for n in range(1, 291)]
    expected.insert(expected.index("Q234") + 1, "Q234A")
    assert list(questions()) == expected
    assert {q.category for q in questions().values()} == set(CATEGORIES)
    assert set(value_questions()) == (ids((1, 259)) | {"Q234A"}) - {"Q223"}


def test_worldvaluesbench_has_its_published_questions_categories_and_ranges():
    member_ids = question_set("worldvaluesbench")
    left_out = ids(42, (82, 93), 105, (152, 157), 223)
    assert set(member_ids) == (ids((1, 259)) | {"Q234A"}) - left_out
    members = [questions()[key] for key in member_ids]
    assert len(members) == 239
    assert Counter(q.category for q in members) == WORLDVALUESBENCH_SIZES
    ranges = Counter(
        (q.worldvaluesbench_codes()[0], q.worldvaluesbench_codes()[-1]) for q in members
    )
    assert ranges == WORLDVALUESBENCH_RANGES
    for question in members:
        codes = question.worldvaluesbench_codes()
        assert codes == tuple(range(codes[0], codes[-1] + 1)), question.question_id


def test_the_other_sets_have_their_published_sizes():
    assert len(question_set("alignment")) == 144
    assert len(question_set("common75")) == 75
    assert set(question_set("common75")) - set(question_set("alignment")) == {"Q151"}
    probe = question_set("probe")
    assert len(probe) == 36
    first_three = {category: [] for category in WORLDVALUESBENCH_SIZES}
    for key in question_set("worldvaluesbench"):
        first_three[questions()[key].category].append(key)
    assert set(probe) == {key for found in first_three.values() for key in found[:3]}


def test_alignment_differs_from_worldvaluesbench_where_the_study_says_so():
    alignment = set(question_set("alignment"))
    assert alignment - set(question_set("worldvaluesbench")) == ids(42, (83, 90))
    assert not alignment & (ids((7, 17), (51, 55), 64, 91, 120))  # its own examples of exclusion


def test_recodes_are_applied_at_once_and_blank_what_has_no_place():
    table = questions()
    assert dict(table["Q56"].worldvaluesbench_recode) == {2: 3, 3: 2}
    assert dict(table["Q119"].worldvaluesbench_recode) == {0: 3, 3: 4, 4: 5}
    assert dict(table["Q111"].worldvaluesbench_recode) == {3: None}
    for key in ids((241, 249)):
        assert dict(table[key].worldvaluesbench_recode) == {0: 1}
    assert dict(table["Q221"].worldvaluesbench_recode) == {4: None}
    assert dict(table["Q222"].worldvaluesbench_recode) == {4: None}
    assert dict(table["Q254"].worldvaluesbench_recode) == {5: None}
    recoded = {key for key, q in table.items() if q.worldvaluesbench_recode}
    assert recoded == ids(56, 119, 111, (241, 249), 221, 222, 254)
    for key in recoded:
        scale = table[key].scale
        assert set(table[key].worldvaluesbench_recode) <= {*scale.codes, *scale.off_scale}


@pytest.mark.parametrize("key", [*value_questions()])
def test_each_question_has_scale_orientation_and_disjoint_codes(key):
    question = questions()[key]
    scale = question.scale
    assert question.orientation
    assert question.title == " ".join(question.title.split())
    assert scale.size >= 2
    groups = [set(scale.codes), set(scale.off_scale), set(MISSING_CODES)]
    assert sum(map(len, groups)) == len(set.union(*groups))
    assert len(set(scale.codes)) == scale.size
    assert set(scale.volunteered) < set(scale.codes)
    assert [scale.position(code) for code in scale.codes] == list(range(scale.size))
    assert set(question.missing_notes) <= set(MISSING_CODES)
    assert question.orientation.startswith("no order") is not scale.is_ordinal


def test_positions_keep_the_meaning_where_codes_do_not_rise():
    assert scales()["living_standard3"].codes == (1, 3, 2)
    assert scales()["women_corrupt5"].codes == (1, 2, 0, 3, 4)
    falling = {s.scale_id for s in scales().values() if list(s.codes) != sorted(s.codes)}
    assert falling == {"living_standard3", "women_corrupt5"}
    assert scales()["democracy_trait11"].position(0) == 0


def test_a_code_off_the_scale_has_no_position():
    with pytest.raises(KeyError, match="code 4 is not on scale vote3"):
        scales()["vote3"].position(4)


def test_nominal_questions_are_named_as_such():
    nominal = {key for key, q in value_questions().items() if not q.scale.is_ordinal}
    assert nominal & set(question_set("worldvaluesbench")) == NOMINAL_IN_WORLDVALUESBENCH
    assert nominal == NOMINAL_IN_WORLDVALUESBENCH | ids(42, (91, 93), (152, 157))
    for key in NOMINAL_IN_WORLDVALUESBENCH:
        assert "nominal" in questions()[key].note


def test_every_question_outside_a_set_says_why():
    kinds = (
        "not multiple choice",
        "needs life experience",
        "needs a slot edited per country",
        "factual",
        "needs a nationality",
        "other: ",
    )
    for key, question in questions().items():
        in_alignment = "alignment" in question.memberships
        assert in_alignment is ("alignment" not in question.reasons), key
        assert question.reasons["judgments"], key
        if question.category == "demographics":
            assert question.reasons["alignment"] == question.reasons["judgments"] == "demographic"
        elif not in_alignment:
            assert question.reasons["alignment"].startswith(kinds), key


def test_reasons_that_the_study_does_not_state_are_marked_as_inferred():
    stated = ids((7, 17), (51, 55), 64, 91, 120)
    for key in set(value_questions()) - set(question_set("alignment")):
        assert ("inferred" in questions()[key].reasons["alignment"]) is (key not in stated), key


def test_judgments_holds_ordinal_opinions_and_neither_behaviour_nor_facts():
    members = set(question_set("judgments"))
    assert all(questions()[key].scale.is_ordinal for key in members)
    behaviour = ids((94, 105), (139, 141), 171, 172, (200, 222))
    experience = ids((51, 56), (132, 138), 144, 145)
    assert not members & (behaviour | experience | ids((91, 93), 82, 223))
    # sizes of the study's categories that our rule reproduces
    sizes = Counter(questions()[key].category for key in members)
    assert (sizes["social_values"], sizes["happiness"]) == (44, 5)


def test_consistency_sides_cover_their_scale():
    topics = {}
    for key, question in questions().items():
        if question.consistency_topic:
            topics.setdefault(question.consistency_topic, set()).add(key)
            sides = [code for side in question.consistency_sides for code in side]
            assert len(sides) == len(set(sides))
            assert set(sides) == set(question.scale.offered), key
    assert topics == {
        "gender": ids((29, 31), 33),
        "atheism": ids((165, 168)),
        "democracy": ids(243, 250),
    }


def test_missing_codes_with_a_meaning_of_their_own():
    table = questions()
    assert dict(table["Q153"].missing_notes) == {-2: "no second choice", -3: "no first choice"}
    assert dict(table["Q155"].missing_notes) == {-3: "no first choice"}
    assert dict(table["Q157"].missing_notes) == {-3: "no first choice"}


def test_few_shot_questions_of_each_steering_country():
    assert len(steering_countries()) == 10
    assert set(steering_countries().values()) == {"es", "pt", "zh", "de", "ja", "ko", "ru", "vi"}
    assert few_shot_ids() == few_shot_ids("USA") == ("Q60", "Q70", "Q90", "Q110", "Q130")
    assert few_shot_ids("DEU") == ("Q40", "Q80", "Q150", "Q160", "Q170")
    used = set(few_shot_ids()).union(*(few_shot_ids(c) for c in steering_countries()))
    assert used == set(question_set("few_shot"))
    # the study's tables: the default and Japan leave 140 questions, other countries 139
    left = {c: len(set(question_set("alignment")) - set(few_shot_ids(c))) for c in (None, "JPN")}
    assert left == {None: 140, "JPN": 140}
    others = set(steering_countries()) - {"JPN"}
    for country in others:
        assert len(set(question_set("alignment")) - set(few_shot_ids(country))) == 139


def test_few_shot_ids_of_no_country_is_an_error():
    with pytest.raises(KeyError, match="no country 'XXX'"):
        few_shot_ids("XXX")


def test_an_unknown_question_set_is_an_error_that_lists_the_sets():
    with pytest.raises(KeyError, match="there are: all, worldvaluesbench"):
        question_set("opinions")


def test_the_page_of_questions_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "questions.md"
    assert page.read_text(encoding="utf-8") == questions_markdown()

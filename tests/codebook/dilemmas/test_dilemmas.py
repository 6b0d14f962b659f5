"""The 250 dilemmas: what they hold, what their check finds, how a review counts."""

from __future__ import annotations

import copy
import csv
import dataclasses
import hashlib
import re
import tomllib
from collections import Counter

import pycountry
import pytest

from codebook.countries import HOFSTEDE_DIMENSIONS, countries
from codebook.dilemmas.dilemma import (
    SIDES,
    DilemmaError,
    dilemma_languages,
    dilemmas,
    dilemmas_digest,
    language_folder,
    parse_dilemmas,
)
from tools import dilemma_checks
from tools.dilemma_checks import (
    check_dilemmas,
    check_review,
    check_texts,
    jaccard,
    shingles,
    words_of,
)

DILEMMAS = list(dilemmas().values())
REVIEW_TEXT = language_folder("en").joinpath("review.csv").read_text(encoding="utf-8")
REVIEW = list(csv.DictReader(REVIEW_TEXT.splitlines()))
LEAKS = tomllib.loads(language_folder("en").joinpath("leaks.toml").read_text(encoding="utf-8"))


def changed(index, **fields):
    """All dilemmas, one of them with other fields."""
    found = list(DILEMMAS)
    found[index] = dataclasses.replace(found[index], **fields)
    return found


def retold(index, text):
    """All dilemmas, one of them with a text put before its background."""
    return changed(index, situation=f"{text} {DILEMMAS[index].situation}")


def kinds(problems):
    return Counter(problem.kind for problem in problems)


def test_there_are_fifty_for_each_dimension_in_four_settings():
    assert Counter(d.dimension for d in DILEMMAS) == dict.fromkeys(HOFSTEDE_DIMENSIONS, 50)
    # 50 over four settings in turn: 13, 13, 12 and 12, all above the ten that are needed.
    for dimension in HOFSTEDE_DIMENSIONS:
        placed = Counter(d.setting for d in DILEMMAS if d.dimension == dimension)
        assert placed == {"family_friends": 13, "work": 13, "study": 12, "society": 12}
    assert set(SIDES) == set(HOFSTEDE_DIMENSIONS)


def test_ids_are_numbered_within_their_dimension():
    prefixes = {
        "individualism": "ind",
        "mas": "mas",
        "uncertainty_avoidance": "uai",
        "power_distance": "pdi",
        "long_term_orientation": "lto",
    }
    expected = [f"{prefixes[d]}-{n:02d}" for d in HOFSTEDE_DIMENSIONS for n in range(1, 51)]
    assert [d.dilemma_id for d in DILEMMAS] == expected == list(dilemmas())


def test_nothing_is_wrong_with_the_texts():
    assert [str(p) for p in check_texts(DILEMMAS, leaks=LEAKS)] == []


def test_the_whole_check_finds_nothing():
    assert [str(problem) for problem in check_dilemmas()] == []


def test_every_dilemma_has_a_review_row_in_the_order_of_the_files():
    assert [row["id"] for row in REVIEW] == list(dilemmas())
    assert {row["verdict"] for row in REVIEW} == {"keep"}
    assert "pending" not in {row["reviewer"] for row in REVIEW}


def test_no_dilemma_is_kept_with_a_rating_below_four():
    kept = [row for row in REVIEW if row["verdict"] == "keep"]
    assert [row["id"] for row in kept if min(int(row["balance"]), int(row["purity"])) < 4] == []


@pytest.mark.parametrize("dilemma", DILEMMAS, ids=lambda d: d.dilemma_id)
def test_the_situation_closes_with_a_choice_between_its_options(dilemma):
    background, _, choice = dilemma.situation.rpartition(" Should I ")
    assert dilemma.background == background
    assert choice == f"{dilemma.option_first} or {dilemma.option_second}?"
    assert re.search(r"\b(I|my|me|our|we)\b", background, re.IGNORECASE)
    assert {dilemma.high_option, dilemma.low_option} == set(dilemma.options)


@pytest.mark.parametrize("dilemma", DILEMMAS, ids=lambda d: d.dilemma_id)
def test_swapping_changes_the_order_and_nothing_else(dilemma):
    swapped = dilemma.swapped()
    assert swapped.options == dilemma.options[::-1]
    assert swapped.situation.endswith(
        f" Should I {dilemma.option_second} or {dilemma.option_first}?"
    )
    assert swapped.background == dilemma.background
    assert (swapped.high_option, swapped.low_option) == (dilemma.high_option, dilemma.low_option)
    assert swapped.high_side != dilemma.high_side
    assert swapped.swapped() == dilemma


def test_high_side_of_one_dilemma_of_each_dimension():
    # Read off the texts by hand, so that exchanged sides in a file would be seen.
    expected = {
        "ind-01": "take the small flat and live by myself",
        "mas-08": "enter my dahlias for the prize",
        "uai-01": "plan and book every stop in advance",
        "lto-08": "plant saplings across the square",
        "pdi-03": "leave the professor's words as they stand",
    }
    assert {key: dilemmas()[key].high_option for key in expected} == expected


@pytest.mark.parametrize("dimension", HOFSTEDE_DIMENSIONS)
def test_option_length_does_not_give_the_side_away(dimension):
    found = [d for d in DILEMMAS if d.dimension == dimension]
    high = sum(len(d.high_option.split()) for d in found)
    low = sum(len(d.low_option.split()) for d in found)
    assert abs(high - low) / len(found) < 0.5  # words per dilemma


def test_no_country_of_the_iso_list_is_named():
    # An independent check beside leaks.toml: the list of a library.
    names = {c.name for c in pycountry.countries}
    names |= {getattr(c, "common_name", c.name) for c in pycountry.countries}
    text = "\n".join(d.situation for d in DILEMMAS)
    assert [name for name in names if re.search(rf"\b{re.escape(name)}\b", text)] == []


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(DILEMMAS[0])])
def test_digest_changes_with_every_field(field):
    dilemma = DILEMMAS[0]
    other = dataclasses.replace(dilemma, **{field: getattr(dilemma, field) + "x"})
    assert other.digest != dilemma.digest
    assert re.fullmatch("[0-9a-f]{16}", dilemma.digest)


def test_digest_of_the_set_covers_ids_and_digests_in_order():
    lines = "".join(f"{d.dilemma_id} {d.digest}\n" for d in DILEMMAS)
    assert dilemmas_digest() == hashlib.sha256(lines.encode()).hexdigest()[:16]


def test_unknown_language_lists_those_there_are():
    assert dilemma_languages() == ("en",)
    with pytest.raises(KeyError, match=r"no dilemmas in language 'xx'; there are: en"):
        dilemmas("xx")


def row(**fields):
    """A row of a dilemma file that can be read."""
    return {
        "id": "mas-01",
        "dimension": "mas",
        "setting": "work",
        "situation": "A text. Should I win or rest?",
        "option_first": "win",
        "option_second": "rest",
        "high_side": "first",
        "described_first": "low",
    } | fields


def test_all_faults_of_a_file_are_told_at_once():
    short = row(id="mas-02")
    del short["option_second"]
    rows = [
        row(setting="office"),
        short,
        row(id="mas-03", high="first"),
        row(id="mas-04", situation=" "),
        row(id="mas-05"),
        row(id="mas-05"),
        row(id="mas-06", dimension="individualism"),
    ]
    with pytest.raises(DilemmaError, match="office") as raised:
        parse_dilemmas({"mas": {"dilemma": rows}, "individualism": {}}, source="here")
    message = str(raised.value)
    assert "here/mas.toml, dilemma 1 (mas-01): setting is 'office'; allowed are family" in message
    assert "dilemma 2 (mas-02): option_second is missing" in message
    assert "dilemma 3 (mas-03): high is no key of a dilemma" in message
    assert "dilemma 4 (mas-04): situation is ' '" in message
    assert "dilemma 6 (mas-05): the id occurs twice" in message
    assert "dilemma 7 (mas-06): its dimension is individualism" in message
    assert "here/individualism.toml: no [[dilemma]] tables" in message
    assert len(message.splitlines()) == 7


def test_a_lacking_dilemma_is_seen():
    # Without ind-01 (family, low described first) the count is 49 and no half is possible.
    found = kinds(check_texts(DILEMMAS[1:], leaks=LEAKS))
    assert found["count"] == 1
    assert found["order"] >= 1


def test_a_setting_with_too_few_is_seen():
    moved = [
        dataclasses.replace(d, setting="work")
        if d.dimension == "mas" and d.setting == "study"
        else d
        for d in DILEMMAS
    ]
    problems = check_texts(moved, leaks=LEAKS)
    assert "setting: mas: 0 in study, fewer than 10" in [str(p) for p in problems]


def test_an_order_that_favours_a_side_is_seen():
    turned = [d.swapped() if d.high_side == "second" else d for d in DILEMMAS]
    problems = [p for p in check_texts(turned, leaks=LEAKS) if p.kind == "order"]
    # For each of five dimensions: the dimension as a whole, and its four settings.
    assert len(problems) == 5 * (1 + 4)
    told = [dataclasses.replace(d, described_first="high") for d in DILEMMAS]
    problems = [p for p in check_texts(told, leaks=LEAKS) if p.kind == "order"]
    assert len(problems) == 5
    assert all("described first in 50 more" in p.message for p in problems)


def test_length_and_closing_question_are_checked():
    dilemma = DILEMMAS[0]
    short = check_texts(changed(0, situation=f"Too short. {dilemma.question}"), leaks=LEAKS)
    assert kinds(short) == {"words": 1}
    long = check_texts(retold(0, "word " * 60), leaks=LEAKS)
    assert kinds(long)["words"] == 1
    other = check_texts(changed(0, situation=f"{dilemma.background} What next?"), leaks=LEAKS)
    assert [p.dilemma_id for p in other if p.kind == "question"] == ["ind-01"]


def with_high_option(option):
    """All dilemmas; the first one, whose low option has nine words, with another high option."""
    dilemma = DILEMMAS[0]
    place = "option_first" if dilemma.high_side == "first" else "option_second"
    new = dataclasses.replace(dilemma, **{place: option})
    new = dataclasses.replace(new, situation=f"{dilemma.background} {new.question}")
    return [new, *DILEMMAS[1:]]


@pytest.mark.parametrize("option", ["rent the small flat alone now", "rent " + "one " * 11])
def test_options_may_differ_by_three_words(option):
    assert len(DILEMMAS[0].low_option.split()) == 9
    assert check_texts(with_high_option(option.strip()), leaks=LEAKS) == []


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("leave", "has a length of 1;"),
        ("rent the flat alone now", "the options have"),
        ("Rent the small flat and live by myself", "must begin with a verb in small letters"),
        ("the small flat and a door of my own", "must begin with a verb"),
        ("rent the small flat or the quiet attic", "without 'or'"),
        ("rent the small flat and be happy.", "without closing marks"),
        (" ".join(["rent"] * 15), "has a length of 15; allowed are 3-14 words"),
        (DILEMMAS[0].low_option, "both options say the same"),
    ],
)
def test_a_poor_option_is_seen(option, told):
    problems = [p for p in check_texts(with_high_option(option), leaks=LEAKS) if p.kind == "option"]
    assert any(told in p.message for p in problems)
    assert {p.dilemma_id for p in problems} == {"ind-01"}


@pytest.mark.parametrize(
    ("word", "list_name"),
    [
        ("Norway", "countries"),
        ("Norwegian", "nationalities"),
        ("Swedes", "nationalities"),
        ("Toyota", "brands"),
        ("mosque", "religions"),
        ("Churches", "religions"),
        ("rupees", "currencies"),
    ],
)
def test_a_leak_is_seen_even_at_the_start_of_a_sentence(word, list_name):
    problems = check_texts(retold(7, f"{word} came first."), leaks=LEAKS)
    assert [(p.kind, p.dilemma_id) for p in problems] == [("leak", "ind-08")]
    assert problems[0].message.endswith(f"is on the list {list_name}")


def test_a_personal_name_inside_a_sentence_is_seen():
    problems = check_texts(retold(7, "My friend Tamsin's door was open."), leaks=LEAKS)
    assert [p.message for p in problems] == [
        "'Tamsin' has a capital letter inside a sentence, like a proper name"
    ]


@pytest.mark.parametrize("text", ["I polish a turkey on Monday.", "We said so, and I won in May."])
def test_everyday_words_are_no_leaks(text):
    assert check_texts(retold(7, text), leaks=LEAKS) == []


def test_the_list_of_countries_covers_those_of_the_survey():
    known = set(LEAKS["exact_case"]["countries"])
    lacking = [c.name for c in countries().values() if not known & _short_names(c.name)]
    assert lacking == []


def _short_names(name):
    """Names under which a country of the survey may stand on the list."""
    return {name, re.sub(r" (SAR|of America)$", "", name), name.split(" and ")[0], name.split()[-1]}


def test_a_copied_dilemma_is_seen():
    source, target = DILEMMAS[10], DILEMMAS[20]
    words = source.background.split()
    words[::12] = ["other"] * len(words[::12])
    copied = changed(20, situation=f"{' '.join(words)} {target.question}")
    assert kinds(check_texts(copied, leaks=LEAKS))["duplicate"] == 1


def test_equal_openings_are_seen():
    text = "Once more we stand here."
    found = retold(3, text)
    found[4] = dataclasses.replace(found[4], situation=f"{text} {found[4].situation}")
    assert kinds(check_texts(found, leaks=LEAKS)) == {"opening": 1}


def test_shingles_and_jaccard_by_hand():
    assert words_of("Don't go, I said -- go!") == ["don't", "go", "i", "said", "go"]
    left = shingles("a b c d", size=2)  # ab bc cd
    right = shingles("b c d e f", size=2)  # bc cd de ef
    assert left == {("a", "b"), ("b", "c"), ("c", "d")}
    assert jaccard(left, right) == pytest.approx(2 / 5)
    assert jaccard(left, left) == 1
    assert jaccard(set(), set()) == 0
    assert shingles("too short", size=3) == frozenset()


HEADER = "id,digest,balance,purity,reviewer,verdict"


def review_of(found, **changes):
    """A review that keeps everything, apart from the rows given by id."""
    lines = []
    for d in found:
        name = d.dilemma_id
        default = f"{name},{d.digest},5,4,second pass,keep"
        lines.append(changes.get(name.replace("-", "_"), default))
    return "\n".join([HEADER, *lines, ""])


def test_a_review_of_the_present_texts_leaves_nothing_open():
    assert check_review(DILEMMAS, review_of(DILEMMAS)) == []


def test_without_a_review_every_dilemma_is_unreviewed():
    assert kinds(check_review(DILEMMAS, "")) == {"unreviewed": 250}
    assert kinds(check_review(DILEMMAS, HEADER + "\n")) == {"unreviewed": 250}


def test_a_changed_text_needs_another_review():
    review = review_of(DILEMMAS)
    problems = check_review(retold(3, "Well."), review)
    assert [(p.kind, p.dilemma_id) for p in problems] == [("unreviewed", "ind-04")]


@pytest.mark.parametrize("tail", ["2,5,second pass,keep", "5,1,s,keep", "5,5,s,replace"])
def test_what_a_review_does_not_keep_is_rejected(tail):
    digest = dilemmas()["mas-02"].digest
    review = review_of(DILEMMAS, mas_02=f"mas-02,{digest},{tail}")
    problems = check_review(DILEMMAS, review)
    assert [(p.kind, p.dilemma_id) for p in problems] == [("rejected", "mas-02")]


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        ("6,5,second pass,keep", "balance is '6'; it must be 1, 2, 3, 4 or 5"),
        ("5,,second pass,keep", "purity is ''"),
        ("5,5,,keep", "reviewer is empty"),
        ("5,5,second pass,", "verdict is empty"),
        ("5,5", "purity is '5'|reviewer is empty"),
    ],
)
def test_a_faulty_row_does_not_count_as_a_review(tail, told):
    digest = dilemmas()["mas-02"].digest
    problems = check_review(DILEMMAS, review_of(DILEMMAS, mas_02=f"mas-02,{digest},{tail}"))
    assert kinds(problems)["unreviewed"] == 1
    faults = [p.message for p in problems if p.kind == "review"]
    assert faults
    assert all(fault.startswith("line 53: ") for fault in faults)  # header, 50 before, then its row
    assert re.search(told, "\n".join(faults))


def test_unknown_ids_second_rows_and_columns_are_told():
    review = review_of(DILEMMAS)
    unknown = check_review(DILEMMAS, review + "zzz-01,0,5,5,second pass,keep\n")
    assert [p.message for p in unknown] == ["line 252: no dilemma has this id"]
    again = check_review(DILEMMAS, review + review.splitlines()[1] + "\n")
    assert [p.message for p in again] == ["line 252: the dilemma has been reviewed above already"]
    columns = check_review(DILEMMAS, "id,digest\n")
    assert [p.kind for p in columns] == ["review"]
    assert "the columns must be id, digest, balance, purity, reviewer, verdict" in str(columns[0])


def test_the_command_prints_digests_and_counts_problems(capsys):
    assert dilemma_checks.main(["--digests"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "id,digest"
    assert lines[1:] == [f"{d.dilemma_id},{d.digest}" for d in DILEMMAS]
    problems = check_dilemmas()
    assert dilemma_checks.main([]) == int(bool(problems))
    assert capsys.readouterr().out.splitlines()[-1] == f"{len(problems)} problems"


def test_leak_lists_are_read_not_hard_coded():
    leaks = copy.deepcopy(LEAKS)
    word = "balcony"
    leaks["any_case"]["furniture"] = [word]
    found = [d.dilemma_id for d in DILEMMAS if re.search(r"\bbalcon(y|ys)\b", d.situation)]
    assert found
    assert [p.dilemma_id for p in check_texts(DILEMMAS, leaks=leaks)] == found


@pytest.mark.parametrize(
    ("dilemma_id", "option", "word"),
    [
        ("pdi-01", "address him as an equal", "equal"),
        ("ind-22", "support the stage and keep our harmony", "harmony"),
        ("mas-09", "tell them proudly about the award", "proudly"),
        ("uai-21", "watch how it goes and stay relaxed", "relaxed"),
        ("lto-43", "attend the evening and honour the custom", "custom"),
    ],
)
def test_an_option_describes_an_act_and_does_not_name_the_construct(dilemma_id, option, word):
    clean = next(d for d in DILEMMAS if d.dilemma_id == dilemma_id)
    named = dataclasses.replace(
        clean,
        situation=f"{clean.background} Should I {clean.option_first} or {option}?",
        option_second=option,
    )
    problems = check_texts([named], leaks=LEAKS)
    assert any(f"names the construct ({word!r})" in p.message for p in problems)
    assert not any("construct" in p.message for p in check_texts([clean], leaks=LEAKS))

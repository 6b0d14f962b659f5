"""Reviews count for the text that was reviewed, and only by someone who did not draft it."""

from dataclasses import replace

import pytest

from codebook.meanings import meaning
from codebook.respondents.describe import missing_person_texts, person_source_texts
from codebook.review import (
    TextStatus,
    _gap,
    card_digest,
    check,
    draft_statuses,
    read_statuses,
    review_statuses,
    reviewed_texts,
    text_digest,
    write_statuses,
)
from codebook.wordings.parse import WordingError
from codebook.wordings.wording import languages


@pytest.mark.parametrize("language", languages())
def test_every_text_has_been_reviewed_in_its_present_state(language):
    assert [f"{gap.key}: {gap.reason}" for gap in check(language)] == []
    assert list(read_statuses(language)) == list(reviewed_texts(language))


@pytest.mark.parametrize("language", languages())
def test_nobody_reviews_what_they_drafted(language):
    for status in read_statuses(language).values():
        assert status.is_reviewed, status.key
        assert status.reviewed_by != status.drafted_by, status.key


def test_a_review_counts_until_the_text_changes():
    text = "How happy are you?"
    status = TextStatus("stem:Q46", text_digest(text), "machine", "second reader", "read aloud")
    assert _gap(status, text, "") is None
    assert _gap(status, text + " Really?", "") == "changed since"
    assert _gap(None, text, "") == "no status"
    assert _gap(status._replace(reviewed_by=""), text, "") == "not reviewed"
    assert _gap(status._replace(means=""), text, "") == "reviewed by its drafter"
    assert _gap(status._replace(reviewed_by="machine"), text, "") == "reviewed by its drafter"


def test_a_review_counts_until_the_meaning_card_changes():
    text, card = "How happy are you?", card_digest("stem:Q46")
    status = TextStatus("stem:Q46", text_digest(text), "machine", "second reader", "read", card)
    assert card == meaning("Q46").digest
    assert _gap(status, text, card) is None
    changed = replace(meaning("Q46"), asks="How happy the respondent was as a child").digest
    assert _gap(status, text, changed) == "meaning card changed since"
    assert card_digest("label:happiness4:1") == ""


def test_a_review_notes_its_card_and_whose_it_is():
    drafts = {"stem:Q46": TextStatus("stem:Q46", "0", "drafter")}
    done = review_statuses(drafts, ["stem:Q46"], reviewed_by="a reader", means="read")["stem:Q46"]
    assert done.card == meaning("Q46").digest
    assert not done.is_read_by_machine
    same = done._replace(reviewed_by="second pass, machine, not independent of the draft")
    assert same.is_read_by_machine
    assert not same.is_independent


def test_reviews_are_noted_and_survive_the_file(tmp_path):
    drafts = {
        key: status._replace(drafted_by="drafter", reviewed_by="", means="")
        for key, status in draft_statuses("en", drafted_by="drafter").items()
    }
    keys = ["stem:Q1", "label:importance4:1"]
    done = review_statuses(drafts, keys, reviewed_by="reader", means="against, the codebook")
    assert [key for key, status in done.items() if status.is_reviewed] == keys
    write_statuses(done, tmp_path / "status.csv")
    lines = (tmp_path / "status.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "key,digest,drafted_by,reviewed_by,means,card"
    assert len(lines) == len(drafts) + 1


def test_the_drafter_cannot_review():
    drafts = {"stem:Q1": TextStatus("stem:Q1", "0", "machine")}
    with pytest.raises(WordingError, match="a reviewer other than the drafter"):
        review_statuses(drafts, ["stem:Q1"], reviewed_by="machine", means="read")
    with pytest.raises(WordingError, match="stem:Q2: no status row"):
        review_statuses(drafts, ["stem:Q2"], reviewed_by="reader", means="read")


def test_country_names_taken_over_need_no_review():
    texts = reviewed_texts("en")
    assert "country:USA" in texts  # "the United States" differs from the codebook's name
    assert "country:DEU" not in texts


def test_a_language_without_wording_cannot_be_checked():
    with pytest.raises(WordingError, match="no wording in language 'xx'"):
        check("xx")


def test_texts_that_describe_people_are_reviewed_like_the_others():
    texts = reviewed_texts("de")
    assert texts["demographic:question.Q260.codes.2"] == "Weiblich"
    assert texts["person:category.sex.female.sentence"] == "eine Frau"
    assert set(person_source_texts("de")) <= set(read_statuses("de"))
    assert "person:sentence.order.1" not in texts  # names of parts, no text


def test_what_a_language_lacks_to_describe_people_is_listed():
    english = person_source_texts("en")
    assert missing_person_texts("xx") == list(english)
    for language in languages():
        assert missing_person_texts(language) == []

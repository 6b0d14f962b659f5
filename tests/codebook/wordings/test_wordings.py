"""Wordings: complete, well formed, tied to their scales; opened and written without loss."""

import csv
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook import MISSING_CODES, countries, questions, scales, value_questions
from codebook.wordings.files import export_wording, load_wording_folder
from codebook.wordings.parse import WordingError, problems_of
from codebook.wordings.templates import TEMPLATE_SPECS, template_fields, template_problem
from codebook.wordings.wording import languages, missing_texts, required_keys, wording, wording_of

EVERY_LANGUAGE = pytest.mark.parametrize("language", languages())
SENTENCE_ENDS = ("?", "？", ".", "。", "\N{GREEK QUESTION MARK}", "؟")


@EVERY_LANGUAGE
def test_no_text_is_missing(language):
    assert missing_texts(language) == []


@EVERY_LANGUAGE
def test_every_question_scale_and_missing_code_has_its_texts(language):
    texts = wording(language)
    for key, question in value_questions().items():
        assert texts.stems[key].strip() == texts.stems[key]
        assert texts.stems[key].endswith(SENTENCE_ENDS), key
        assert (key in texts.statements) is question.scale.agreement, key
        labels = texts.labels[question.scale.scale_id]
        assert set(labels) == set(question.scale.labelled_codes), key
        assert len(set(labels.values())) == len(labels), key
        for code in MISSING_CODES:
            assert texts.missing[code] not in labels.values()
    assert set(texts.countries) == set(countries())
    assert set(texts.templates) == set(TEMPLATE_SPECS)


@EVERY_LANGUAGE
def test_stems_are_distinct_and_leak_neither_country_nor_slot_nor_number(language):
    texts = wording(language)
    assert len(set(texts.stems.values())) == len(value_questions())
    names = {name.removeprefix("the ") for name in texts.countries.values()}
    for key, stem in [*texts.stems.items(), *texts.statements.items()]:
        assert not re.search(r"[\[\]{}]|nationality\]", stem), key
        assert not [name for name in names if re.search(rf"\b{re.escape(name)}\b", stem)], key
        # a number in a stem would contradict a reversed scale; "12 months" names a period
        assert re.findall(r"\d+", stem) in ([], ["12"]), key


def test_only_the_poles_of_long_scales_are_labelled():
    for scale in scales().values():
        if scale.has_poles:
            assert set(scale.labelled_codes) == {scale.codes[0], 1, scale.codes[-1]}
        else:
            assert scale.labelled_codes == scale.codes + scale.off_scale


def test_english_labels_run_in_the_direction_of_their_codes():
    """First and last label of each ordered scale, against the survey's code list."""
    ends = {
        "importance4": ("Very important", "Not at all important"),
        "agree4": ("Strongly agree", "Strongly disagree"),
        "agree5": ("Strongly agree", "Strongly disagree"),
        "happiness4": ("Very happy", "Not at all happy"),
        "health5": ("Very good", "Very poor"),
        "deprivation4": ("Often", "Never"),
        "living_standard3": ("Better off", "Worse off"),
        "trust4": ("Trust completely", "Do not trust at all"),
        "confidence4": ("A great deal", "None at all"),
        "membership3": ("Not a member", "Active member"),
        "income_equality10": (
            "Incomes should be more equal",
            "Individuals should have stronger incentives to make an effort",
        ),
        "ownership10": (
            "A larger part of business and industry should be owned privately",
            "A larger part of business and industry should be owned by the government",
        ),
        "competition10": ("Competition is good", "Competition is harmful"),
        "involved4": ("None of them", "All of them"),
        "bribe_frequency4": ("Never", "Always"),
        "women_corrupt5": ("Strongly agree", "Strongly disagree"),
        "immigrant_impact5": ("Very bad", "Very good"),
        "immigration_effect3": ("Disagree", "Agree"),
        "secure4": ("Very secure", "Not at all secure"),
        "worry4": ("Very much", "Not at all"),
        "disagree_agree10": ("Completely disagree", "Completely agree"),
        "agree_disagree10": ("Completely agree", "Completely disagree"),
        "justifiable10": ("Never justifiable", "Always justifiable"),
        "information5": ("Daily", "Never"),
        "political_say5": ("A great deal", "Not at all"),
        "political_system4": ("Very good", "Very bad"),
        "left_right10": ("Left", "Right"),
        "pride4": ("Very proud", "Not at all proud"),
    }
    for scale_id, expected in ends.items():
        labels = wording().labels[scale_id]
        codes = scales()[scale_id].codes
        assert (labels[codes[0]], labels[codes[-1]]) == expected


def test_the_wording_import_is_light():
    code = (
        "import sys, codebook.render.question, codebook.render.answers, codebook.review;"
        "print([m for m in ('numpy', 'pyarrow', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_digest_follows_the_texts_and_not_the_name():
    own = wording()
    same = wording_of(own.texts(), language="en", name="other", machine_drafted=False)
    assert same.digest == own.digest
    changed = own.texts() | {"stem:Q1": "Does your family matter to you?"}
    other = wording_of(changed, language="en", name="other", machine_drafted=False)
    assert other.digest != own.digest
    translated = wording_of(own.texts(), language="fr", name="other", machine_drafted=False)
    assert translated.digest != own.digest


def test_order_of_texts_does_not_matter():
    backwards = dict(reversed(wording().texts().items()))
    assert (
        wording_of(backwards, language="en", name="x", machine_drafted=True).digest
        == wording().digest
    )


@pytest.mark.parametrize("file_name", ["held", "held.csv"])
def test_a_wording_is_written_and_opened_without_loss(tmp_path, file_name):
    texts = wording().texts() | {"stem:Q1": 'Is "family", in\nshort, important?\\ \x7f'}
    held = wording_of(texts, language="en", name="held", machine_drafted=False)
    path = export_wording(held, tmp_path / file_name)
    opened = load_wording_folder(path)
    assert opened.digest == held.digest
    assert opened.texts() == held.texts()
    assert (opened.name, opened.language, opened.machine_drafted) == ("held", "en", False)
    assert sorted(p.name for p in tmp_path.iterdir()) == [file_name]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_survives_the_csv_and_toml_files(tmp_path_factory, text):
    stem = f"a{text}b"
    held = wording_of({"stem:Q1": stem}, language="xx", name="held", machine_drafted=False)
    folder = tmp_path_factory.mktemp("held")
    for file_name in ("held", "held.csv"):
        opened = load_wording_folder(export_wording(held, folder / file_name))
        assert opened.stems["Q1"] == stem
        assert opened.digest == held.digest


def test_a_partial_wording_takes_templates_but_no_stems_from_the_project(tmp_path):
    (tmp_path / "questions.toml").write_text(
        '[about]\nlanguage = "en"\nname = "mine"\n[stems]\nQ1 = "Family?"\n'
    )
    (tmp_path / "scales.toml").write_text('[importance4]\n1 = "Very"\n4 = "Not at all"\n')
    mine = load_wording_folder(tmp_path)
    assert mine.templates == wording().templates
    assert dict(mine.stems) == {"Q1": "Family?"}
    lacking = missing_texts(mine)
    assert "stem:Q2" in lacking
    assert "label:importance4:2" in lacking
    assert "stem:Q1" not in lacking
    assert not [key for key in lacking if key.startswith(("template", "country", "missing"))]


def test_all_problems_of_a_folder_are_named_at_once(tmp_path):
    (tmp_path / "questions.toml").write_text(
        '[about]\nlanguage = "en"\nname = "mine"\n'
        '[stems]\nQ1 = "Family?"\nQ2 = "Family?"\nQ223 = "Party?"\nQ3 = " "\n'
        '[statements]\nQ1 = "Family matters."\n'
    )
    (tmp_path / "scales.toml").write_text('[importance4]\n5 = "Five"\n[importance9]\n1 = "x"\n')
    (tmp_path / "templates.toml").write_text('persona = "In {land}"\nadvice_choose = "{"\n')
    (tmp_path / "countries.toml").write_text('XXX = "Nowhere"\n')
    with pytest.raises(WordingError, match=r"wording 'mine' \(en\): 9 problems") as caught:
        load_wording_folder(tmp_path)
    message = str(caught.value)
    for part in (
        "stem:Q2: the same text as stem:Q1",
        "stem:Q223: no value question",
        "stem:Q3: begins or ends with white space",
        "statement:Q1: the answers of this question are no agreement",
        "label:importance4:5: scale importance4 takes labels for 1, 2, 3, 4",
        "label:importance9:1: no scale 'importance9'",
        "template:persona: has the fields ['land'], must have ['country']",
        "template:advice_choose: not a template",
        "country:XXX: no country of the codebook",
    ):
        assert part in message


def test_layout_problems_of_a_folder_are_named_at_once(tmp_path):
    (tmp_path / "questions.toml").write_text("[stem]\nQ1 = 'x'\n[stems]\nQ1 = 3\n")
    (tmp_path / "templates.toml").write_text("persona = ")
    with pytest.raises(WordingError, match="4 problems") as caught:
        load_wording_folder(tmp_path)
    message = str(caught.value)
    assert "scales.toml: not there" in message
    assert "unknown table 'stem'" in message
    assert "[stems] Q1: must be a text in quotes, found 3" in message
    assert "templates.toml: not TOML" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,text\nstem:Q1,Family?\n", "the columns must be key, text; found id, text"),
        ("", "the columns must be key, text; found none"),
        ("key,text\nstem:Q1,a\nstem:Q1,b\n", "line 3: stem:Q1 occurs twice"),
        ("key,text\nstem:Q1,Family, friends?\n", "line 2: two columns expected"),
        ("key,text\nabout:language,English\nstem:Q1,x\n", "found 'English'"),
        ("key,text\nabout:language,en\nstem:Q1,x\n", "name is lacking"),
        ("key,text\nabout:language,en\nabout:name,atlas\nstem:Q1,x\n", "a name of its own"),
    ],
)
def test_a_csv_that_is_not_right_says_what_and_where(tmp_path, content, message):
    path = tmp_path / "held.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WordingError, match=re.escape(message)):
        load_wording_folder(path)


def test_a_csv_of_another_encoding_is_refused(tmp_path):
    path = tmp_path / "held.csv"
    path.write_bytes("key,text\nstem:Q1,Größe?\n".encode("latin-1"))
    with pytest.raises(WordingError, match="not in UTF-8"):
        load_wording_folder(path)


def test_export_never_overwrites(tmp_path):
    with pytest.raises(WordingError, match="exists already"):
        export_wording(wording(), tmp_path)
    with pytest.raises(WordingError, match="no such folder"):
        export_wording(wording(), tmp_path / "no" / "held.csv")
    with pytest.raises(WordingError, match="no such folder or file"):
        load_wording_folder(tmp_path / "no")


def test_the_csv_is_plain(tmp_path):
    path = export_wording(wording(), tmp_path / "held.csv")
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = {row["key"]: row["text"] for row in rows}
    assert found["about:language"] == "en"
    assert found["stem:Q1"] == wording().stems["Q1"]
    assert len(found) == len(required_keys()) + 3


def test_a_language_without_a_folder_lacks_every_text():
    assert missing_texts("xx") == list(required_keys())
    with pytest.raises(WordingError, match="no wording in language 'xx'; there are: en"):
        wording("xx")
    with pytest.raises(WordingError, match="no wording 'official'; the project ships 'atlas'"):
        wording("en", "official")


@pytest.mark.parametrize("language", languages())
def test_templates_fill_in(language):
    texts = wording(language)
    for name, spec in TEMPLATE_SPECS.items():
        fields = {field: f"<{field}>" for field in spec.fields}
        filled = texts.templates[name].format(**fields)
        assert all(mark in filled for mark in fields.values()), name


def test_template_problems():
    assert template_fields("a {b} {{c}}") == {"b"}
    assert template_problem("persona", "In {country}") == ""
    assert "no template 'person'" in template_problem("person", "x")
    assert "plain names" in template_problem("persona", "In {}")
    assert problems_of({"persona:x": "y"}) == [
        "persona:x: unknown kind of text; there are stem, statement, label, missing, template, "
        "country"
    ]


def test_every_agreement_scale_is_named_by_agreement_in_english():
    for scale in scales().values():
        texts = wording().labels[scale.scale_id].values()
        assert any("agree" in text.lower() for text in texts) is scale.agreement
    stems = wording().stems
    asked = {key for key, stem in stems.items() if stem.startswith("Do you agree or disagree")}
    assert asked == {k for k, q in questions().items() if q.scale and q.scale.agreement}

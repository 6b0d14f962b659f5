"""Translating dilemmas: there and back, kept, checked, and loaded again."""

from __future__ import annotations

import csv
import json
import re

import pytest
from cyclopts import App
from openai_server import serving

from codebook.countries import countries
from codebook.dilemmas.dilemma import DilemmaError, dilemmas
from codebook.dilemmas.files import form_problem, form_question, load_dilemma_folder
from codebook.dilemmas.sets import folder_set, project_set
from contracts.errors import ContractError
from elicitation.backends.base import Response
from elicitation.backends.mock import MockBackend
from elicitation.commands.translate import chosen_dilemmas, write_folder
from elicitation.translation.segments import Language, translation_data
from elicitation.translation.translate import chrf, sentences_of, translate_dilemmas
from elicitation.translation.translators import ChatTranslator, language_of

pytest.importorskip("sacrebleu")

CHOSEN = [dilemmas()[name] for name in ("ind-01", "ind-02", "pdi-01")]


def turned(text):
    """A language that can be turned back: every word backwards, fields left alone."""
    return re.sub(r"\{\w+\}|\w+", lambda m: m[0] if m[0][0] == "{" else m[0][::-1], text)


class Turner(MockBackend):
    """Translates by turning words round; `fails` is a text that it gives no answer for."""

    def __init__(self, *, fails="", spoils=""):
        super().__init__("steady")
        self.asked, self.fails, self.spoils = 0, fails, spoils

    def _respond(self, request):
        self.asked += 1
        text = request.messages[-1].content.split("\n\n", 1)[1]
        if self.fails and self.fails in text:
            return Response(request.request_id, "error", error="down")
        if self.spoils and self.spoils in text:
            return Response(request.request_id, "ok", ("zzz",))
        return Response(request.request_id, "ok", (f"{turned(text)}\n",))


def translated(tmp_path, backend, *, threshold=50.0):
    return translate_dilemmas(
        CHOSEN,
        ChatTranslator(backend),
        tmp_path / "kept.sqlite",
        target=Language("xx", "Turned"),
        threshold=threshold,
    )


def test_a_faithful_translation_comes_back_whole(tmp_path):
    found = translated(tmp_path, Turner())
    assert found.form == turned("What should I do: {first}, or {second}?")
    assert found.form_source == "translator"
    assert found.sentences["choose"].text == turned(project_set("en").choose)
    for one in found.items:
        assert one.texts["option_first"] == turned(one.dilemma.option_first)
        assert one.chrf == pytest.approx(100)
        assert one.flags == ()
    write_folder(found, tmp_path / "own", language="xx", model="test:turner")
    loaded = load_dilemma_folder(tmp_path / "own")
    assert loaded.language == "xx"
    assert list(loaded.dilemmas) == ["ind-01", "ind-02", "pdi-01"]
    for one in CHOSEN:
        own = loaded.dilemmas[one.dilemma_id]
        assert own.background == turned(" ".join(one.background.split()))
        assert own.high_option == turned(one.high_option)
        other = own.swapped()
        assert other.high_option == own.high_option
        assert other.options == own.options[::-1]
        assert other.situation.endswith(form_question(found.form, *own.options[::-1]))
        assert other.swapped() == own


def test_nothing_is_asked_twice_and_what_failed_is_asked_again(tmp_path):
    ill = Turner(fails=CHOSEN[0].option_first)
    first = translated(tmp_path, ill)
    assert first.items[0].flags == ("failed",)
    assert first.items[0].texts == {}
    assert all(one.flags == () for one in first.items[1:])
    well = Turner()
    second = translated(tmp_path, well)
    assert all(one.flags == () for one in second.items)
    assert well.asked == 2  # the option that failed, there and back
    assert translated(tmp_path, well) == second
    assert well.asked == 2


def test_what_is_lost_on_the_way_is_flagged(tmp_path):
    # The second dilemma's text is spoilt on its way there: back comes nothing like it.
    ill = Turner(spoils=CHOSEN[1].background[:40])
    found = translated(tmp_path, ill)
    by_id = {one.dilemma.dilemma_id: one for one in found.items}
    assert by_id["ind-02"].flags == ("low-chrf",)
    assert by_id["ind-02"].chrf < 50 < by_id["ind-01"].chrf
    write_folder(found, tmp_path / "own", language="xx", model="test:turner")
    with (tmp_path / "own" / "check.csv").open(newline="") as handle:
        rows = {row["id"]: row for row in csv.DictReader(handle)}
    assert rows["ind-02"]["flags"] == "low-chrf"
    assert rows["pdi-01"] == {"id": "pdi-01", "chrf": "100.0", "flags": ""}
    assert rows["choose"] == {"id": "choose", "chrf": "100.0", "flags": ""}


def test_chrf_tells_alike_from_unlike():
    assert chrf("the same words", "the same words") == pytest.approx(100)
    assert chrf("zzz", "the same words") == 0
    assert 0 < chrf("the same word", "the same words") < 100


def test_the_command_over_http(tmp_path, capsys):
    app = App(name="test", result_action="return_value")
    for name in ("translate", "read"):
        app.command(f"elicitation.commands.cli:{name}", name=name)

    def call(*tokens):
        capsys.readouterr()
        code = app([str(token) for token in tokens], exit_on_error=False, print_error=False)
        return code, capsys.readouterr().out

    out = tmp_path / "own"
    with serving() as server:
        tokens = ("translate", "openai:tiny", "--base-url", server.url, "--language", "ja",
                  "--out", out, "--questions", "ind-01,pdi-02")  # fmt: skip
        code, said = call(*tokens, "--dry-run")
        assert (code, server.asked) == (0, [])
        assert "2 dilemmas into Japanese: at most 13 calls" in said
        code, said = call(*tokens, "--json")
        made = len(server.asked)
        assert 0 < made <= 13
        again = call(*tokens, "--json")
        assert len(server.asked) == made
        assert again == (code, said)
    told = json.loads(said)
    # The server's mock knows no Japanese: every item is flagged, its question is not believed.
    assert set(told["flagged"]) == {"ind-01", "pdi-02"}
    assert all({"same-options", "low-chrf"} <= set(f) for f in told["flagged"].values())
    assert told["question_from"] == "project"
    assert load_dilemma_folder(out).language == "ja"


def test_unknown_names_are_told():
    with pytest.raises(ContractError, match="Give --language-name besides"):
        language_of("tlh")
    with pytest.raises(ContractError, match="unknown value for --questions; did you mean ind-49"):
        chosen_dilemmas(("ind-99",))
    assert len(chosen_dilemmas(("mas", "ind-01"))) == 51
    assert len(chosen_dilemmas(())) == 250


def test_a_faulty_folder_is_told(tmp_path):
    with pytest.raises(DilemmaError, match="there is no such file"):
        load_dilemma_folder(tmp_path)
    about = tmp_path / "language.toml"
    about.write_text('question = "{second} or {first}?"\n')
    with pytest.raises(DilemmaError, match=r"first} must come first[^$]*language is None"):
        load_dilemma_folder(tmp_path)
    about.write_text('language = "xx"\nquestion = "{first} or {second}?"\n')
    with pytest.raises(DilemmaError, match="no dilemmas"):
        load_dilemma_folder(tmp_path)
    row = """[[dilemma]]
id = "mas-01"
dimension = "mas"
setting = "work"
situation = "So it is. Go or leave?"
option_first = "Go"
option_second = "stay"
high_side = "first"
described_first = "low"
"""
    (tmp_path / "mas.toml").write_text(row)
    with pytest.raises(DilemmaError, match="must close with 'Go or stay"):
        load_dilemma_folder(tmp_path)
    assert form_problem("{first}{first}{second}")
    assert form_problem(None)


def test_every_language_of_the_study_has_its_data():
    data = translation_data()
    spoken = {one.hofstede.language for one in countries().values() if one.hofstede} | {"en"}
    assert len(spoken) == 36
    for language in spoken:
        assert language in data["names"]
        assert language in data["nllb"]
        assert not form_problem(data["forms"][language])
    assert set(data["nllb"]) == set(data["names"]) == set(data["forms"])
    assert len(set(data["nllb"].values())) == len(data["nllb"])


def test_who_asks_is_a_sentence_for_the_country_of_the_language():
    assert list(sentences_of("sq")) == ["choose", "persona-ALB"]
    assert "Albania" in sentences_of("sq")["persona-ALB"]
    assert sentences_of("ja") == {}  # the project has a wording


def test_a_translated_set_is_asked_in_language_and_as_both(tmp_path, plan_of):
    found = translate_dilemmas(
        CHOSEN,
        ChatTranslator(Turner()),
        tmp_path / "kept.sqlite",
        target=language_of("sq"),
        threshold=50,
    )
    write_folder(found, tmp_path / "sets" / "sq", language="sq", model="test:turner")
    own = folder_set(tmp_path / "sets" / "sq")
    assert own.personas == {"ALB": turned(sentences_of("sq")["persona-ALB"])}
    plan = plan_of(
        protocol="advice",
        approach=("language", "both", "persona"),
        countries=("ALB", "USA"),
        questions=("ind-01", "pdi-01"),
        dilemmas=(str(tmp_path / "sets"),),
    )
    texts = {call.item.item_id: call.request.messages[0].content for call in plan}
    assert len(texts) == 3 * 2 * 2 * 2
    albanian = texts["approach-language_own|ind-01|ALB|as-written|0"]
    assert albanian == f"{own.dilemmas['ind-01'].situation} {own.choose}"
    told = texts["approach-both_own|ind-01|ALB|swapped|0"]
    assert told.startswith(own.personas["ALB"])
    assert own.dilemmas["ind-01"].swapped().question in told
    assert "Should I" in texts["approach-both_own|ind-01|USA|as-written|0"]
    assert "Albania" in texts["approach-persona_en|ind-01|ALB|as-written|0"]


def test_what_a_study_lacks_is_named(tmp_path, plan_of):
    found = translate_dilemmas(
        CHOSEN,
        ChatTranslator(Turner()),
        tmp_path / "kept.sqlite",
        target=language_of("sq"),
        threshold=50,
    )
    write_folder(found, tmp_path / "sq", language="sq", model="test:turner")
    asked = {"protocol": "advice", "questions": ("mas-01", "ind-01")}
    folder = (str(tmp_path / "sq"),)
    with pytest.raises(ContractError, match="EGY") as error:
        plan_of(**asked, approach=("both",), countries=("ALB", "JPN", "EGY"), dilemmas=folder)
    said = str(error.value)
    for part in ("EGY", "found ja (JPN)", "--language ja", "ask only --countries ALB",
                 "the dilemmas in sq lack 1 of 2", "mas-01"):  # fmt: skip
        assert part in said
    with pytest.raises(ContractError, match=r"have no sentence that tells who asks.*found DEU"):
        plan_of(protocol="advice", approach=("persona",), countries=("ALB", "DEU"),
                languages=("sq",), questions=("ind-01",), dilemmas=folder)  # fmt: skip
    with pytest.raises(ContractError, match="neither it nor a folder in it"):
        plan_of(**asked, dilemmas=(str(tmp_path / "nothing"),))
    with pytest.raises(ContractError, match="advice is not asked for in this way"):
        plan_of(**asked, method="verbalized")


def test_dilemmas_with_one_action_twice_are_not_asked(tmp_path, plan_of):
    found = translate_dilemmas(
        CHOSEN, ChatTranslator(Turner()), tmp_path / "kept.sqlite",
        target=language_of("sq"), threshold=50,
    )  # fmt: skip
    texts = dict(found.items[0].texts)
    texts["option_second"] = texts["option_first"].upper()
    one = found.items[0]._replace(texts=texts, flags=("same-options",))
    spoilt_set = found._replace(items=(one, *found.items[1:]))
    write_folder(spoilt_set, tmp_path / "sq", language="sq", model="test:turner")
    with pytest.raises(ContractError, match=r"offer the same action twice.*found ind-01"):
        plan_of(protocol="advice", approach=("language",), countries=("ALB",),
                dilemmas=(str(tmp_path / "sq"),))  # fmt: skip

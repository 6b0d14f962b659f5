"""Translation models of transformers: loaded, asked sentence by sentence, kept."""

from __future__ import annotations

import csv
import json

import pytest
from cyclopts import App

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("sacrebleu")

import torch
from tiny_models import save_model
from tiny_seq2seq import REPLY_TOKENS, m2m_tokenizer, nllb_tokenizer, save_translator
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

from codebook.dilemmas.files import load_dilemma_folder
from codebook.dilemmas.sets import folder_set
from contracts.errors import ContractError
from elicitation.backends.registry import BackendOptions
from elicitation.translation.segments import Language, Segment, translation_data
from elicitation.translation.seq2seq import BEAMS, is_seq2seq, open_seq2seq
from elicitation.translation.translators import ENGLISH, language_of

pytestmark = pytest.mark.models

OPTIONS = BackendOptions(device="cpu")


@pytest.fixture(scope="module")
def nllb(tmp_path_factory):
    return save_translator(tmp_path_factory.mktemp("nllb"), nllb_tokenizer())


def said_by_hand(folder, text, target):
    """The same search by the library alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang="eng_Latn")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        found = model.generate(
            **tokenizer(text, return_tensors="pt"),
            forced_bos_token_id=tokenizer.convert_tokens_to_ids(target),
            num_beams=BEAMS,
            max_length=None,
            max_new_tokens=100,
        )
    return " ".join(tokenizer.decode(found[0], skip_special_tokens=True).split())


def test_every_code_is_one_of_nllb_200():
    assert set(translation_data()["nllb"].values()) <= set(FAIRSEQ_LANGUAGE_CODES)


def test_sentences_are_translated_as_the_library_does(nllb, tmp_path):
    translator = open_seq2seq(str(nllb), OPTIONS)
    text = 'I asked her: "Why?" She said no. 30 people left! What now'
    parts = translator.split(Segment("a", text))
    assert [part.text for part in parts] == [
        'I asked her: "Why?" She said no.', "30 people left!", "What now",
    ]  # fmt: skip
    for code in ("sq", "ja"):
        found = translator.translate(
            parts, tmp_path / "kept.sqlite", source=ENGLISH, target=language_of(code)
        )
        assert list(found) == [part.segment_id for part in parts]
        for part in parts:
            token = translation_data()["nllb"][code]
            assert found[part.segment_id] == said_by_hand(nllb, part.text, token)


def test_m2m100_and_unknown_languages(nllb, tmp_path):
    folder = save_translator(tmp_path / "m2m", m2m_tokenizer(tmp_path / "tokenizer"))
    found = open_seq2seq(str(folder), OPTIONS).translate(
        [Segment("a", "I go home.")], tmp_path / "kept.sqlite",
        source=ENGLISH, target=language_of("sq"),
    )  # fmt: skip
    assert found["a"]
    assert "__" not in found["a"]
    with pytest.raises(ContractError, match="has no token for Klingon"):
        open_seq2seq(str(nllb), OPTIONS).translate(
            [Segment("a", "I go.")], tmp_path / "kept.sqlite",
            source=ENGLISH, target=Language("tlh", "Klingon"),
        )  # fmt: skip


def test_only_models_with_an_encoder_translate_in_this_way(nllb, tmp_path):
    assert is_seq2seq(str(nllb), OPTIONS)
    assert not is_seq2seq(str(save_model(tmp_path / "decoder")), OPTIONS)
    assert not is_seq2seq(str(tmp_path / "nothing"), OPTIONS)
    with pytest.raises(ContractError, match="translation model cannot be loaded"):
        open_seq2seq(str(tmp_path / "nothing"), OPTIONS)


def test_the_command_with_a_translation_model(nllb, tmp_path, capsys):
    app = App(name="test", result_action="return_value")
    for name in ("translate", "elicit"):
        app.command(f"elicitation.commands.cli:{name}", name=name)

    def call(*tokens):
        capsys.readouterr()
        code = app([str(token) for token in tokens], exit_on_error=False, print_error=False)
        return code, capsys.readouterr().out

    out = tmp_path / "sets" / "sq"
    tokens = ("translate", f"hf:{nllb}", "--language", "sq", "--out", out,
              "--questions", "ind-01,pdi-02", "--device", "cpu")  # fmt: skip
    code, said = call(*tokens, "--json")
    told = json.loads(said)
    assert (code, told["translated"], told["failed"]) == (0, 2, [])
    # A model that was never trained comes back with nothing like the English text.
    assert {"choose", "persona-ALB", "ind-01", "pdi-02"} == set(told["flagged"])
    assert all("low-chrf" in flags for flags in told["flagged"].values())
    assert told["question_from"] == "project"
    assert call(*tokens, "--json") == (code, said)
    with (out / "check.csv").open(newline="") as handle:
        assert {row["id"] for row in csv.DictReader(handle)} == set(told["flagged"])
    found = load_dilemma_folder(out)
    for one in found.dilemmas.values():
        assert one.question.startswith("Çfarë duhet të bëj: ")
        assert len(one.option_first) <= 3 * REPLY_TOKENS
    assert set(folder_set(out).personas) == {"ALB"}
    code, _ = call("elicit", "mock:steady", "--protocol", "advice", "--approach", "both",
                   "--countries", "ALB", "--questions", "ind-01",
                   "--dilemmas", tmp_path / "sets", "--out", tmp_path / "run")  # fmt: skip
    assert code == 0


def test_a_reply_that_runs_in_circles_is_no_translation(tmp_path, capsys):
    folder = save_translator(tmp_path / "endless", nllb_tokenizer(), ends=False)
    found = open_seq2seq(str(folder), OPTIONS).translate(
        [Segment("a", "I go.")], tmp_path / "kept.sqlite",
        source=ENGLISH, target=language_of("sq"),
    )  # fmt: skip
    assert found == {}

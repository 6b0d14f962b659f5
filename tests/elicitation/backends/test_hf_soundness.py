"""Folders that hold no whole causal model are refused, with the names of what is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertLMHeadModel,
    LlamaConfig,
    LlamaForSequenceClassification,
)

from contracts.errors import ContractError
from elicitation.backends.hf.soundness import check_causality
from elicitation.backends.registry import BackendOptions, open_backend
from tests.support.tiny_models import bpe_tokenizer, save_model, tiny_model

pytestmark = pytest.mark.models

OPTIONS = BackendOptions(device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder with a whole model."""
    return save_model(tmp_path_factory.mktemp("whole") / "tiny")


@pytest.fixture
def folder(whole, tmp_path) -> Path:
    """A copy of it, to be spoiled."""
    return Path(shutil.copytree(whole, tmp_path / "tiny"))


def refused(folder: Path, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        open_backend(f"hf:{folder}", OPTIONS)


def rewrite(folder: Path, change) -> None:
    """Change the weights by name."""
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def test_a_whole_model_is_loaded(folder) -> None:
    open_backend(f"hf:{folder}", OPTIONS).close()


def test_names_with_a_prefix(folder) -> None:
    rewrite(folder, lambda weights: {f"module.{name}": w for name, w in weights.items()})
    refused(folder, r"random ones would answer.*missing: .*module\..*without a prefix")


def test_a_lost_layer(folder) -> None:
    rewrite(folder, lambda w: {name: one for name, one in w.items() if ".layers.1." not in name})
    refused(folder, r"missing: model\.layers\.1\..* and \d+ more")


def test_a_missing_head(folder) -> None:
    rewrite(folder, lambda w: {name: one for name, one in w.items() if name != "lm_head.weight"})
    refused(folder, r"1 missing: lm_head\.weight")


def test_a_weight_of_another_shape(folder) -> None:
    rewrite(folder, lambda w: w | {"lm_head.weight": w["lm_head.weight"][:, :32].contiguous()})
    refused(folder, r"1 of another shape: lm_head\.weight")


def test_a_damaged_file(folder) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    refused(folder, "the model cannot be loaded")


def test_a_classifier_with_tied_weights(tmp_path) -> None:
    config = LlamaConfig(
        vocab_size=1200, hidden_size=64, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True, pad_token_id=0,
    )  # fmt: skip
    LlamaForSequenceClassification(config).save_pretrained(tmp_path)
    bpe_tokenizer().save_pretrained(tmp_path)
    refused(tmp_path, "hold a LlamaForSequenceClassification")


def test_the_decoder_of_an_encoder_decoder(tmp_path) -> None:
    config = BartConfig(
        vocab_size=1200, d_model=32, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32,
        decoder_ffn_dim=32, encoder_attention_heads=2, decoder_attention_heads=2,
        max_position_embeddings=64,
    )  # fmt: skip
    BartForConditionalGeneration(config).save_pretrained(tmp_path)
    bpe_tokenizer().save_pretrained(tmp_path)
    refused(tmp_path, "BartForConditionalGeneration, of which a causal language model would be")


def test_a_model_that_reads_both_ways() -> None:
    config = BertConfig(
        vocab_size=1200, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, is_decoder=False, initializer_range=0.5,
    )  # fmt: skip
    torch.manual_seed(0)
    with pytest.raises(ContractError, match="reads what comes later as well"):
        check_causality("bert", BertLMHeadModel(config).eval())


def test_a_model_without_numbers() -> None:
    model = tiny_model("llama")
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(ContractError, match="are no numbers"):
        check_causality("tiny", model)


def test_a_tokenizer_larger_than_the_model(folder) -> None:
    tokenizer = bpe_tokenizer()
    tokenizer.add_tokens(["quokka", "wombat"])
    tokenizer.save_pretrained(folder)
    refused(folder, "2 tokens that the model has no vector for.*quokka, wombat.*resize_token_emb")


def test_special_tokens_beyond_the_model_are_never_met(folder) -> None:
    tokenizer = bpe_tokenizer()
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(folder)
    open_backend(f"hf:{folder}", OPTIONS).close()


def test_an_adapter_alone(tmp_path) -> None:
    about = {"peft_type": "LORA", "base_model_name_or_path": "org/base"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(about))
    refused(tmp_path, r"an adapter \(PEFT\) of org/base.*merge_and_unload")

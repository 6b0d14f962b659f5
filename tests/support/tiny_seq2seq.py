"""Tiny translation models and encoders with random weights, made on the spot."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import torch
from tiny_models import bpe_tokenizer, sentencepiece_file
from transformers import BertConfig, BertModel, M2M100Config, M2M100ForConditionalGeneration
from transformers.models.m2m_100.tokenization_m2m_100 import M2M100Tokenizer
from transformers.models.nllb.tokenization_nllb import NllbTokenizer

#: Languages that these models write.
SPOKEN = ("eng_Latn", "als_Latn", "jpn_Jpan")

#: Tokens that a reply of these models has before it ends.
REPLY_TOKENS = 12


def nllb_tokenizer() -> NllbTokenizer:
    """NLLB's tokenizer over single characters, with its 202 languages."""
    letters = string.ascii_letters + string.digits + string.punctuation + "▁’–é"
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *letters]
    return NllbTokenizer({token: number for number, token in enumerate(tokens)}, merges=[])


def m2m_tokenizer(folder: Path) -> M2M100Tokenizer:
    """M2M100's tokenizer over a sentencepiece model trained here."""
    model = sentencepiece_file(folder, kind="bpe", vocabulary=600)
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor(model_file=str(model))
    tokens = ["<s>", "<pad>", "</s>", "<unk>"]
    tokens += [pieces.id_to_piece(i) for i in range(pieces.get_piece_size())]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    return M2M100Tokenizer(str(folder / "vocab.json"), str(model))


def model_size(tokenizer: Any) -> int:
    """Size of the vocabulary with the languages; M2M100 keeps them apart, with some spare ones."""
    apart = getattr(tokenizer, "lang_token_to_id", {})
    return max([len(tokenizer), *(number + 1 for number in apart.values())])


def _suppressed(tokenizer: Any) -> list[int]:
    """Ids that no reply of words holds: spaces, and signs other than the end and `SPOKEN`."""
    tokens = {*tokenizer.all_special_tokens, "\u2581"} - {tokenizer.eos_token, *SPOKEN}
    return sorted(int(tokenizer.convert_tokens_to_ids(token)) for token in tokens)


def save_translator(folder: Path, tokenizer: Any, *, ends: bool = True, seed: int = 0) -> Path:
    """A random M2M100 model with a tokenizer in a folder; NLLB-200 is of this kind.

    Args:
        folder: where to.
        tokenizer: its tokenizer.
        ends: whether replies end after `REPLY_TOKENS` tokens; else they run on.
        seed: of the weights.
    """
    torch.manual_seed(seed)
    config = M2M100Config(
        vocab_size=model_size(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=512,
        init_std=0.4,
        decoder_start_token_id=tokenizer.eos_token_id,
    )
    model = M2M100ForConditionalGeneration(config).eval()
    rows = model.get_input_embeddings().weight.data
    rows[tokenizer.vocab_size :] *= 0.1  # replies are made of letters, not of languages
    end = model.get_input_embeddings().weight[tokenizer.eos_token_id]
    strength = 30.0 if ends else -30.0
    model.model.decoder.layer_norm.bias.data = strength * end.detach() / end.detach().norm()
    model.generation_config.suppress_tokens = _suppressed(tokenizer)
    if ends:
        model.generation_config.min_new_tokens = REPLY_TOKENS
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_encoder(folder: Path, *, seed: int = 0) -> Path:
    """A random encoder of texts (BERT) with a tokenizer in a folder."""
    torch.manual_seed(seed)
    tokenizer = bpe_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=256,
        initializer_range=0.3,
    )
    BertModel(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder

"""Small random models and real tokenizers, made on the spot: nothing is downloaded.

Each model has the layers of its family, some thousand parameters, and weights wide enough that
its predictions depend on everything it sees.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from codebook.render.question import RenderError, label_text, render_question
from codebook.wordings.wording import wording

# Models as small as these gain nothing from threads, and lose much on a busy machine.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
torch.set_num_threads(1)

BOS, EOS, END_OF_TURN, PAD = "<s>", "</s>", "<|end|>", "<pad>"
SPECIAL_TOKENS = [PAD, BOS, EOS, END_OF_TURN, "<|user|>", "<|assistant|>", "<|system|>"]

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)

#: Sentences in other scripts, so that tokenizers learn some of each.
OTHER_SCRIPTS = (
    "问题：家庭在您的生活中有多重要？非常重要，比较重要，不太重要，一点也不重要。回答：",
    "Вопрос: насколько важна для вас семья? Очень важно, скорее важно, не очень важно. Ответ:",
    "السؤال: ما مدى أهمية العائلة في حياتك؟ مهم جداً، مهم إلى حد ما، ليس مهماً. الجواب:",
    "Frage: Wie wichtig ist Ihnen die Familie? Sehr wichtig, ziemlich wichtig, überhaupt nicht.",
)


@cache
def corpus() -> tuple[str, ...]:
    """Every question with its answers in English, and some sentences in other scripts.

    Not the other wordings: tokenizers made of this are to stay as they are when one is added.
    """
    lines: list[str] = []
    for question_id in wording("en").stems:
        try:
            question = render_question(question_id)
        except RenderError:
            continue
        lines.append(question.text)
        lines.extend(label_text(question_id, option.code) for option in question.options)
    return (*lines, *OTHER_SCRIPTS)


def _wrapped(tokenizer: Tokenizer, *, chat: bool) -> PreTrainedTokenizerFast:
    found = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=SPECIAL_TOKENS[3:],
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )
    if chat:
        found.chat_template = CHAT_TEMPLATE
    return found


def bpe_tokenizer(*, vocabulary: int = 1200, chat: bool = False) -> PreTrainedTokenizerFast:
    """Byte-level BPE, as of GPT-2, Llama 3 and Qwen."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return _wrapped(tokenizer, chat=chat)


def merging_tokenizer(*, vocabulary: int = 1200) -> PreTrainedTokenizerFast:
    """BPE without any pre-tokenisation, spaces as `▁`: tokens may run across every boundary."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token=PAD))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback()])
    tokens = [*SPECIAL_TOKENS, *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=tokens, show_progress=False, max_token_length=16
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return _wrapped(tokenizer, chat=False)


def sentencepiece_file(folder: Path, *, kind: str, vocabulary: int = 1200) -> Path:
    """A sentencepiece model (`bpe` or `unigram`), trained here."""
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_lines(),
        model_prefix=str(folder / kind),
        vocab_size=vocabulary,
        model_type=kind,
        byte_fallback=True,
        split_digits=True,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    return folder / f"{kind}.model"


def _lines() -> Iterator[str]:
    for text in corpus():
        yield from text.split("\n")


_SMALL: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}

#: Window of the models that look back over a window only: shorter than most test contexts.
WINDOW = 48


def _llama(size: int, **changes: Any) -> Any:
    return LlamaForCausalLM(LlamaConfig(vocab_size=size, **{**_SMALL, **changes}))


def _gpt2(size: int, **changes: Any) -> Any:
    fields = {"n_embd": 64, "n_layer": 3, "n_head": 4, "initializer_range": 0.2, **changes}
    config = GPT2Config(vocab_size=size, n_positions=2048, bos_token_id=1, eos_token_id=2, **fields)
    return GPT2LMHeadModel(config)


def _mistral(size: int, **changes: Any) -> Any:
    fields = {**_SMALL, "sliding_window": WINDOW, **changes}
    return MistralForCausalLM(MistralConfig(vocab_size=size, **fields))


def _gemma3(size: int, **changes: Any) -> Any:
    fields = {
        **_SMALL,
        "num_hidden_layers": 6,
        "head_dim": 16,
        "sliding_window": WINDOW,
        "final_logit_softcapping": 30.0,
        **changes,
    }
    return Gemma3ForCausalLM(Gemma3TextConfig(vocab_size=size, **fields))


def _qwen2(size: int, **changes: Any) -> Any:
    return Qwen2ForCausalLM(Qwen2Config(vocab_size=size, **{**_SMALL, **changes}))


def _qwen3(size: int, **changes: Any) -> Any:
    fields = {**_SMALL, "head_dim": 16, **changes}
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=size, **fields))


FAMILIES: dict[str, Callable[..., Any]] = {
    "llama": _llama,
    "gpt2": _gpt2,
    "mistral": _mistral,
    "gemma3": _gemma3,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
}


def tiny_model(family: str, *, vocabulary: int = 1200, seed: int = 0, **changes: Any) -> Any:
    """A random model of a family, in float32 and evaluation mode."""
    torch.manual_seed(seed)
    return FAMILIES[family](vocabulary, **changes).eval()


def save_model(folder: Path, family: str = "llama", *, chat: bool = False, **changes: Any) -> Path:
    """A model with its tokenizer in a folder, as `from_pretrained` takes it."""
    if (folder / "config.json").exists():
        return folder
    tokenizer = bpe_tokenizer(chat=chat)
    model = tiny_model(family, vocabulary=len(tokenizer), **changes)
    if chat:
        model.generation_config.eos_token_id = [2, SPECIAL_TOKENS.index(END_OF_TURN)]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load_model(folder: Path) -> Any:
    """A saved model, in float32."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

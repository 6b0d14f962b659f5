"""Where context and option meet: real tokenizers, several scripts, chat templates."""

from __future__ import annotations

import json
import math
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import AutoTokenizer

from elicitation.backends.base import Message, Request
from elicitation.backends.hf.tokens import Encoder, Item, LabelItem, TokenError
from tests.support.tiny_models import (
    BOS,
    END_OF_TURN,
    bpe_tokenizer,
    corpus,
    merging_tokenizer,
    sentencepiece_file,
)

pytestmark = pytest.mark.models

#: Prompts that end in a word, a space, a line break, half a word, in several scripts.
CASES = [
    ("Question: How important is family?\nAnswer:", (" Very important", " Rather important")),
    ("How important is family? Answer: ", ("Very important", "1", "10")),
    ("Rate it.\n", ("1", "10", "Very important")),
    ("It is ver", ("y important", "bal")),
    ("问题：家庭在您的生活中有多重要？\n回答：", ("非常重要", "不太重要", "10")),
    ("Вопрос: насколько важна семья?\nОтвет:", (" Очень важно", " Не очень важно")),
    ("السؤال: ما مدى أهمية العائلة؟\nالجواب:", (" مهم جداً", " ليس مهماً")),
]


def _mistral(folder: Path, source: str, name: str) -> object:
    if find_spec("mistral_common") is None:
        return None
    import mistral_common
    from transformers import MistralCommonBackend

    data = Path(mistral_common.__file__).parent / "data" / source

    folder.mkdir()
    shutil.copy(data, folder / name)
    return MistralCommonBackend.from_pretrained(str(folder))


def _llama(folder: Path, model: Path) -> object:
    folder.mkdir()
    shutil.copy(model, folder / "tokenizer.model")
    config = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"}
    config |= {"add_bos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "unk_token": "<unk>"}))
    return AutoTokenizer.from_pretrained(str(folder))


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> dict[str, Encoder]:
    folder = tmp_path_factory.mktemp("tokenizers")
    found = {
        "bpe": bpe_tokenizer(chat=True),
        "merging": merging_tokenizer(),
        "sentencepiece-bpe": _llama(folder / "a", sentencepiece_file(folder, kind="bpe")),
        "sentencepiece-unigram": _llama(folder / "b", sentencepiece_file(folder, kind="unigram")),
        "tekken": _mistral(folder / "c", "tekken_240911.json", "tekken.json"),
        "mistral-sentencepiece": _mistral(
            folder / "d", "mistral_instruct_tokenizer_240323.model.v3", "tokenizer.model.v3"
        ),
    }
    return _Encoders({name: Encoder(t) for name, t in found.items() if t is not None})


class _Encoders(dict[str, Encoder]):
    """Skips what needs a tokenizer whose package is not installed."""

    def __missing__(self, name: str) -> Encoder:
        pytest.skip(f"no tokenizer {name}: mistral_common is not installed")


NAMES = [
    "bpe",
    "merging",
    "sentencepiece-bpe",
    "sentencepiece-unigram",
    "tekken",
    "mistral-sentencepiece",
]


def _scored(prompt: str, options: tuple[str, ...], terminator: str = "end") -> Request:
    return Request("r", "score_options", prompt=prompt, options=options, terminator=terminator)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prompt, options", CASES)
@pytest.mark.parametrize("terminator", ["end", "newline", "none"])
def test_context_and_option_are_the_tokens_of_the_whole(
    encoders, name, prompt, options, terminator
) -> None:
    """Whatever is split where: put together it is what the model would read as one text."""
    encoder = encoders[name]
    item = encoder.scored_item(_scored(prompt, options, terminator))
    ending = {"end": (encoder.tokenizer.eos_token_id,), "newline": (), "none": ()}[terminator]
    for option, ids in zip(options, item.options, strict=True):
        text = prompt + option + ("\n" if terminator == "newline" else "")
        whole = tuple(encoder.tokenizer(text)["input_ids"])
        assert item.context + ids == whole + ending


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prompt, options", CASES)
def test_no_terminated_option_begins_another(encoders, name, prompt, options) -> None:
    item = encoders[name].scored_item(_scored(prompt, options))
    for first in item.options:
        for second in item.options:
            assert first is second or second[: len(first)] != first


@pytest.mark.parametrize("name", NAMES)
def test_long_prompts_are_the_tokens_of_the_whole_too(encoders, name) -> None:
    """Where only a prompt's end is encoded with each option, nothing changes."""
    encoder = encoders[name]
    options = (" Very important", "\n\nYes", " 10", "s", "非常重要", "  two", "'s")
    for first in range(0, 200, 9):
        prompt = "\n\n".join(corpus()[first : first + 8])
        for end in ("", " ", "\n", "\nAnswer:", " (", "?\n\n", " 回答：", "…"):
            item = encoder.scored_item(_scored(prompt + end, options, "none"))
            for option, ids in zip(options, item.options, strict=True):
                whole = tuple(encoder.tokenizer(prompt + end + option)["input_ids"])
                assert item.context + ids == whole


def test_without_terminator_one_option_begins_another(encoders) -> None:
    """The papers' variant: " 1" absorbs the probability of " 10"."""
    item = encoders["tekken"].scored_item(_scored("Rating:", (" 1", " 10"), "none"))
    assert item.options[1][: len(item.options[0])] == item.options[0]


def test_a_space_at_the_end_of_the_context_goes_to_the_option(encoders) -> None:
    encoder = encoders["bpe"]
    spaced = encoder.scored_item(_scored("Answer: ", ("Very important",)))
    bare = encoder.scored_item(_scored("Answer:", (" Very important",)))
    assert spaced == bare


def test_a_token_across_the_border_counts_to_the_options(encoders) -> None:
    """Without pre-tokenisation the border is found where all options still agree."""
    encoder = encoders["merging"]
    prompt, options = "How important is it? It is ver", ("y important", "bal")
    item = encoder.scored_item(_scored(prompt, options))
    alone = tuple(encoder.tokenizer(prompt)["input_ids"])
    assert item.context == alone[: len(item.context)]
    said = {encoder.decode(item.context + ids) for ids in item.options}
    assert said == {prompt + option for option in options}


def test_text_begins_as_the_tokenizer_begins_it(encoders) -> None:
    assert encoders["sentencepiece-bpe"].context(_scored("Hi", ("a",)))[0] == 1
    assert encoders["bpe"]._start == ()


def test_chat_ends_with_the_templates_own_token(encoders) -> None:
    encoder = encoders["bpe"]
    tokenizer = encoder.tokenizer
    request = Request(
        "r",
        "score_options",
        messages=(Message("user", "How important is family?"),),
        options=("Very important", "1", "10"),
    )
    item = encoder.scored_item(request)
    end = tokenizer.convert_tokens_to_ids(END_OF_TURN)
    assert encoder.end_of_turn == end
    assert all(ids[-1] == end for ids in item.options)
    text = f"{BOS}<|user|>\nHow important is family?{END_OF_TURN}\n<|assistant|>\n"
    assert item.context == tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
    assert item.context.count(tokenizer.bos_token_id) == 1


def test_chat_whose_template_is_no_text(encoders) -> None:
    """mistral_common reads no control token from text: options are encoded behind the ids."""
    encoder = encoders["tekken"]
    messages = (Message("user", "How important is family?"),)
    request = Request("r", "score_options", messages=messages, options=("Very important", "1"))
    item = encoder.scored_item(request)
    turns = [{"role": "user", "content": messages[0].content}]
    whole = encoder.tokenizer.apply_chat_template(turns)["input_ids"]
    assert item.context == tuple(whole)
    said = [encoder.decode(ids) for ids in item.options]
    assert said == ["Very important", "1"]
    assert all(ids[-1] == encoder.tokenizer.eos_token_id for ids in item.options)


def test_system_turn_opens_the_users_where_the_template_knows_none() -> None:
    tokenizer = bpe_tokenizer(chat=True)
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}"
        "{% endif %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endfor %}<|assistant|>"
    )
    messages = (Message("system", "Be brief."), Message("user", "Why?"))
    context = Encoder(tokenizer).context(Request("r", messages=messages))
    assert tokenizer.decode(list(context)) == "<|user|>Be brief.\n\nWhy?<|assistant|>"


def test_labels_need_one_distinct_token_each(encoders) -> None:
    def labels(name: str, *options: str) -> object:
        request = Request("r", "score_labels", prompt="Answer:", options=options)
        return encoders[name].label_item(request)

    letters = labels("tekken", " A", " B", " C")
    assert len({ids[0] for ids in letters.item.options}) == 3
    assert not letters.notes
    for name, *options in (("tekken", " 1", " 10"), ("sentencepiece-bpe", " 1", " 2", " 10")):
        found = labels(name, *options)
        assert "longer labels" in found.notes[-1]
        assert len({len(ids) for ids in found.item.options}) == 2


def test_the_space_that_number_labels_share_belongs_to_the_context(encoders) -> None:
    """Qwen, Llama 3 and SmolLM2 split " 1" into a space and a digit."""
    request = Request("r", "score_labels", prompt="Answer:", options=(" 1", " 2", " 3"))
    encoder = encoders["tekken"]
    found = encoder.label_item(request)
    assert found.shared == 1
    assert encoder.decode(found.item.context).endswith("Answer: ")
    assert [encoder.decode(ids) for ids in found.item.options] == ["1", "2", "3"]
    assert "counts to the context" in found.notes[0]


def test_a_label_leaves_out_what_a_longer_one_stands_for() -> None:
    """P(1 and no more of 10) = P(1) - P(1, 0); the middle one of three takes off its own only."""
    item = Item((0,), ((1,), (1, 0), (1, 0, 0), (2,)))
    found = LabelItem(item, 0).logprobs([math.log(p) for p in (0.5, 0.2, 0.05, 0.3)])
    assert [math.exp(score) for score in found] == pytest.approx([0.3, 0.15, 0.05, 0.3])
    assert LabelItem(Item((0,), ((1,), (1, 0))), 0).logprobs([-2.0, -2.0])[0] == -math.inf


def test_what_cannot_be_encoded_is_said(encoders) -> None:
    with pytest.raises(TokenError, match="no chat template"):
        encoders["merging"].context(Request("r", messages=(Message("user", "Why?"),)))
    tokenizer = bpe_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(TokenError, match="no end-of-text token"):
        Encoder(tokenizer).scored_item(_scored("Answer:", (" a", " b")))

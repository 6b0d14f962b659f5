"""From text to token ids: contexts, options, terminators, chat templates."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from elicitation.backends.base import Message, Request, Terminator
from elicitation.backends.thinking import template_thinks

#: Stands where an assistant's reply goes, to see what the template puts behind it.
_PROBE = "qZq"

#: Least characters of a prompt's end that are encoded with each option.
_CONTEXT_END = 80

#: Between the last letter of a word and the space before the next one.
_WORD = re.compile(r"[A-Za-z] [A-Za-z]")

_NO_TEMPLATE = "the model has no chat template; ask it with plain prompts"


class TokenError(ValueError):
    """A request that this model's tokenizer cannot serve; the message says why."""


class Encoder:
    """Turns requests into token ids.

    Context and option are encoded as one text and then split where all options of the item
    and the context alone still agree: encoded apart, or split by the context's own length,
    tokens that lie across the border (a space, a line break, half a syllable) would be others
    than those the model knows. What such a token holds of the context counts to the option.

    Args:
        tokenizer: a tokenizer of transformers.
        template_options: further arguments of the chat template.
    """

    def __init__(
        self, tokenizer: Any, *, template_options: Mapping[str, Any] | None = None
    ) -> None:
        self.tokenizer = tokenizer
        self.template_options = dict(template_options or {})

    @cached_property
    def has_chat(self) -> bool:
        """Whether there is a chat template."""
        if getattr(self.tokenizer, "chat_template", None):
            return True
        try:
            return bool(self._template([Message("user", _PROBE)], tokenize=True))
        except (ValueError, TypeError, AttributeError, NotImplementedError):
            return False

    def thinks(self, thinking: str) -> bool:
        """Whether the model may think before it answers, as far as its chat template tells.

        Args:
            thinking: on, off or default, as the user asks for.
        """
        if not self.has_chat:
            return False
        source = self.tokenizer.chat_template or ""
        template_text = " ".join(source.values()) if isinstance(source, dict) else str(source)
        try:
            text = str(self._template([Message("user", _PROBE)], tokenize=False))
        except (ValueError, TypeError, NotImplementedError):
            return False
        return template_thinks(template_text, text.rpartition(_PROBE)[2], thinking=thinking)

    @cached_property
    def end_of_text(self) -> int:
        """Id that ends a text.

        Raises:
            TokenError: the tokenizer has none.
        """
        end_id = self.tokenizer.eos_token_id
        if end_id is None:
            raise TokenError("the tokenizer has no end-of-text token; use the terminator newline")
        return int(end_id)

    @cached_property
    def end_of_turn(self) -> int:
        """Id that the template puts behind a reply; the end of the text where it puts none.

        The first special token behind the reply is it, so a line break before it (which a
        model need not write) is passed over.
        """
        turns = [Message("user", _PROBE), Message("assistant", _PROBE)]
        try:
            ids = self._template(turns, tokenize=True, prompt=False)
        except Exception:
            # Templates are programs of their own; one that takes no reply says nothing of its end.
            return self.end_of_text
        special = set(self.tokenizer.all_special_ids)
        last_text = max((i for i, token in enumerate(ids) if self._holds_text(token, special)),
                        default=-1)  # fmt: skip
        return next((int(i) for i in ids[last_text + 1 :] if i in special), self.end_of_text)

    def context(self, request: Request) -> Ids:
        """Ids of what the model sees before it answers.

        Raises:
            TokenError: a chat without a chat template, or a context without any token.
        """
        if request.is_chat:
            return self._chat_ids(request.messages)
        return self._start + self._encode(request.prompt)

    def scored_item(self, request: Request) -> Item:
        """Context and options of a `score_options` request.

        Raises:
            TokenError: the tokenizer cannot serve it.
        """
        return self._item(request, self._ending(request))

    def label_item(self, request: Request) -> LabelItem:
        """Context and labels of a `score_labels` request, without anything that ends them.

        Ids that all labels begin with (the space of " 1", where it is a token of its own) belong
        to the context, as long as every label keeps an id.

        Raises:
            TokenError: two labels are the same ids for this tokenizer.
        """
        return label_item(self._item(request, ((), "")))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a reply, without special tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def end_ids(self, chat: bool) -> set[int]:
        """Ids that end a reply, as far as the tokenizer knows."""
        ids = set() if self.tokenizer.eos_token_id is None else {int(self.tokenizer.eos_token_id)}
        return ids | {self.end_of_turn} if chat and self.has_chat and ids else ids

    @cached_property
    def _start(self) -> Ids:
        """Ids that the tokenizer sets before a text."""
        bare = self._encode(_PROBE)
        whole = [int(i) for i in self.tokenizer(_PROBE)["input_ids"]]
        width = len(bare)
        for start in range(len(whole) - width + 1):
            if tuple(whole[start : start + width]) == bare:
                return tuple(whole[:start])
        return ()

    @cached_property
    def _template_is_text(self) -> bool:
        """Whether a chat encodes to the template's ids when it is taken as text.

        Some tokenizers never read control tokens from text; behind their templates, which end
        in a control token, options can be encoded apart.
        """
        turns = [Message("user", _PROBE)]
        try:
            text = str(self._template(turns, tokenize=False))
        except (ValueError, TypeError, NotImplementedError):
            return False
        return self._encode(text) == self._chat_ids(turns)

    def _item(self, request: Request, ending: tuple[Ids, str]) -> Item:
        ids, text = ending
        options = [option + text for option in request.options]
        if request.is_chat and not self._template_is_text:
            return self._apart(self._chat_ids(request.messages), options, ids)
        prompt, start = request.prompt, self._start
        if request.is_chat:
            prompt, start = self._chat_text(request.messages), ()
        context, wholes = self._with_options(prompt, options)
        cut = min(min(common_prefix(context, whole), len(whole) - (not ids)) for whole in wholes)
        if len(start) + cut < 1:
            raise TokenError("the context has no token before the options; it cannot be scored")
        item = Item(start + context[:cut], tuple(whole[cut:] + ids for whole in wholes))
        return _checked(item, request.options)

    def _with_options(self, prompt: str, options: Sequence[str]) -> tuple[Ids, list[Ids]]:
        """A prompt alone, and with each option behind it, as one text each.

        Where the tokenizer cuts texts into words first, the words before the last one do not
        depend on what follows; so only the prompt's end is encoded again with each option, if
        the prompt's own tokens show that there is a border where the end begins.
        """
        cut = self._last_word(prompt) if self._cuts_words else 0
        if cut:
            context, end, *ends = self._encode_all(
                [prompt, prompt[cut:], *(prompt[cut:] + option for option in options)]
            )
            head = context[: -len(end)]
            if head + end == context:
                return context, [head + ids for ids in ends]
        context, *wholes = self._encode_all([prompt, *(prompt + option for option in options)])
        return context, wholes

    @staticmethod
    def _last_word(prompt: str) -> int:
        """Where a word begins, with the space before it, well before the prompt's end; else 0."""
        word_start = 0
        for match in _WORD.finditer(prompt, max(0, len(prompt) - 3 * _CONTEXT_END)):
            if match.start() + 1 > len(prompt) - _CONTEXT_END:
                break
            word_start = match.start() + 1
        return word_start

    @cached_property
    def _cuts_words(self) -> bool:
        """Whether texts are cut into words by a pattern before anything is merged."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        described = str(getattr(backend, "pre_tokenizer", None))
        return "ByteLevel" in described or "Split(" in described

    def _apart(self, context: Ids, options: Sequence[str], ids: Ids) -> Item:
        """Options encoded by themselves, behind a template that cannot be encoded as text."""
        item = Item(context, tuple(self._encode(option) + ids for option in options))
        return _checked(item, options)

    def _ending(self, request: Request) -> tuple[Ids, str]:
        """Ids and text that end every option."""
        terminator: Terminator = request.terminator
        if terminator == "newline":
            return (), "\n"
        if terminator == "end":
            return ((self.end_of_turn if request.is_chat else self.end_of_text),), ""
        return (), ""

    def _encode(self, text: str) -> Ids:
        return self._encode_all([text])[0]

    def _encode_all(self, texts: Sequence[str]) -> list[Ids]:
        encoded = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [tuple(ids) for ids in encoded]

    def _holds_text(self, token: int, special: set[int]) -> bool:
        return token not in special and bool(self.tokenizer.decode([token]).strip())

    def _chat_text(self, messages: Sequence[Message]) -> str:
        if not self.has_chat:
            raise TokenError(_NO_TEMPLATE)
        return str(self._template(messages, tokenize=False))

    def _chat_ids(self, messages: Sequence[Message]) -> Ids:
        if not self.has_chat:
            raise TokenError(_NO_TEMPLATE)
        return tuple(int(i) for i in self._template(messages, tokenize=True))

    def _template(self, messages: Sequence[Message], *, tokenize: bool, prompt: bool = True) -> Any:
        turns = [{"role": m.role, "content": m.content} for m in messages]
        try:
            rendered = self._apply(turns, tokenize=tokenize, prompt=prompt)
        except Exception:
            # Some templates know no system's turn; then its text opens the user's.
            if len(turns) < 2 or turns[0]["role"] != "system":
                raise
            opened = f"{turns[0]['content']}\n\n{turns[1]['content']}"
            turns = [{"role": turns[1]["role"], "content": opened}, *turns[2:]]
            rendered = self._apply(turns, tokenize=tokenize, prompt=prompt)
        return rendered["input_ids"] if isinstance(rendered, Mapping) else rendered

    def _apply(self, turns: list[dict[str, str]], *, tokenize: bool, prompt: bool) -> Any:
        return self.tokenizer.apply_chat_template(
            turns, tokenize=tokenize, add_generation_prompt=prompt, **self.template_options
        )


def _checked(item: Item, options: Sequence[str]) -> Item:
    empty = [text for text, ids in zip(options, item.options, strict=True) if not ids]
    if empty:
        raise TokenError(f"option {empty[0]!r} has no token of its own")
    return item


Ids = tuple[int, ...]


class Item(NamedTuple):
    """One context and its options, as token ids.

    Attributes:
        context: ids of the context; at least one, for a first token has no probability.
        options: ids of each option; at least one each. No option is fed to the model with its
            last token, so an option of one token costs no forward pass of its own.
    """

    context: Ids
    options: tuple[Ids, ...]

    @property
    def longest(self) -> int:
        """Length of the context with its longest option."""
        return len(self.context) + max(map(len, self.options))


class LabelItem(NamedTuple):
    """Labels behind a context.

    Attributes:
        item: their ids.
        shared: number of ids that the labels had in common and that the context took over.
    """

    item: Item
    shared: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to tell the labels apart."""
        remarks = []
        if self.shared:
            remarks.append("the beginning that the labels share counts to the context")
        if any(len(option) > 1 for option in self.item.options):
            remarks.append(
                "labels of several tokens: the probability of their tokens, less that of longer "
                "labels which begin with them"
            )
        return tuple(remarks)

    def logprobs(self, token_logprobs: Sequence[float]) -> list[float]:
        """Scores of the labels from those of their tokens.

        " 1" begins " 10": what stands for the one would also stand for the other, so the longer
        label's probability is taken off.
        """
        options = self.item.options
        return [
            _less(own, [token_logprobs[j] for j in _directly_longer(i, options)])
            for i, own in enumerate(token_logprobs)
        ]


def label_item(item: Item) -> LabelItem:
    """Labels as they follow a context, with the ids that all begin with put to the context, as
    long as every label keeps an id.

    Raises:
        TokenError: two labels are the same ids.
    """
    first, *others = item.options
    shared = min(len(first) - 1, *(common_prefix(first, o) for o in others)) if others else 0
    shared = min(shared, *(len(option) - 1 for option in item.options))
    labels = tuple(option[shared:] for option in item.options)
    if len(set(labels)) != len(labels):
        raise TokenError("two labels are the same tokens for this model; take other labels")
    return LabelItem(Item(item.context + first[:shared], labels), shared)


def _directly_longer(index: int, options: Sequence[Ids]) -> list[int]:
    """Places of the options that begin with one, without those that begin with another of them."""
    own = options[index]
    longer = [j for j, other in enumerate(options) if j != index and other[: len(own)] == own]
    return [
        j
        for j in longer
        if not any(k != j and options[j][: len(options[k])] == options[k] for k in longer)
    ]


def _less(logprob: float, parts: Sequence[float]) -> float:
    """Logarithm of exp(logprob) - sum exp(parts), -inf where nothing is left."""
    if not parts:
        return logprob
    rest = 1.0 - math.fsum(math.exp(part - logprob) for part in parts)
    return logprob + math.log(rest) if rest > 0 else -math.inf


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Number of ids that two sequences begin with alike."""
    limit = min(len(first), len(second))
    if first[:limit] == second[:limit]:
        return limit
    low, high = 0, limit
    while low + 1 < high:
        middle = (low + high) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle
    return low

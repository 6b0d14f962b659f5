"""What a backend is: it takes requests, and hands back each response as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Literal, NamedTuple, Protocol, get_args

Kind = Literal["generate", "score_options", "score_labels"]
Terminator = Literal["end", "newline", "none"]
ResponseStatus = Literal["ok", "truncated", "refused", "error"]
LabelLogprobs = Literal["exact", "constrained", "censored", "none"]

KINDS: tuple[Kind, ...] = get_args(Kind)


class RequestError(ValueError):
    """A request that no backend can take: its parts do not go together."""


class Message(NamedTuple):
    """One turn of a chat."""

    role: str
    content: str


@dataclass(frozen=True)
class Sampling:
    """How a reply is drawn; all of it is part of a request's identity.

    Attributes:
        max_tokens: most tokens of a reply.
        temperature: 0 is greedy.
        top_p: share of the probability mass that is drawn from.
        seed: seed of the draw; None leaves it to the backend (then nothing is repeatable).
        stop: texts that end a reply; they are not part of it.
        n: replies per request, drawn independently.
        response_format: form that the server is to hold a reply to, as OpenAI's
            `response_format`; None for none.
    """

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = 0
    stop: tuple[str, ...] = ()
    n: int = 1
    response_format: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Request:
    """One call to a model.

    Attributes:
        request_id: names the call within its run; it is no part of what the model sees.
        kind: `generate` a reply; `score_options`: log-probability of each whole option as the
            continuation; `score_labels`: log-probability of each label as the first thing said
            (a label is one token here, else the backend refuses or falls back to options).
        messages: turns of a chat, for chat models; the last one is the user's.
        prompt: plain text, for base models. Exactly one of `messages` and `prompt` is given.
        options: for scoring: the continuations, exactly as they follow the context. After a
            plain prompt that ends in a word each begins with a space; after a chat template's
            generation prompt none does. Tokenise context and option as one text, then split.
        terminator: what ends every scored option, so that an option which begins another one
            does not absorb its probability: `end` is the model's end of turn (chat) or of text
            (base), `newline` a line break, `none` the papers' variant. Labels take `none`.
        sampling: how a reply is drawn; for scoring it is ignored.
        repeat: number of the repetition, from 0: the same request again is another one.
    """

    request_id: str
    kind: Kind = "generate"
    messages: tuple[Message, ...] = ()
    prompt: str = ""
    options: tuple[str, ...] = ()
    terminator: Terminator = "end"
    sampling: Sampling = field(default_factory=Sampling)
    repeat: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise RequestError(f"no kind {self.kind!r}; there are: {', '.join(KINDS)}")
        if bool(self.messages) == bool(self.prompt):
            raise RequestError(f"{self.request_id}: give either messages or a prompt")
        if (self.kind == "generate") == bool(self.options):
            raise RequestError(f"{self.request_id}: options are for scoring, and only for that")
        if len(set(self.options)) != len(self.options):
            raise RequestError(f"{self.request_id}: two options are the same text")

    @property
    def is_chat(self) -> bool:
        """Whether the context is a chat."""
        return bool(self.messages)

    @property
    def draw_seed(self) -> int | None:
        """Seed of this request's draw, below 2**31.

        Made of the study's seed, the repeat and the context: with one seed for all, repeats
        would be the same draw, and the draws of different questions would go together.
        """
        seed = self.sampling.seed
        if seed is None or self.sampling.temperature == 0:
            return seed
        content = "\x00".join([self.prompt, *(text for turn in self.messages for text in turn)])
        words = f"{seed} {self.repeat} {content}".encode("utf-8", "surrogatepass")
        return int.from_bytes(sha256(words).digest()[:4], "big") >> 1

    def identity(self) -> dict[str, Any]:
        """All that decides the answer, as JSON types: the request without its id.

        What cannot matter is left out: a scored request has no sampling, a generated one no
        terminator.
        """
        fields: dict[str, Any] = {"kind": self.kind, "repeat": self.repeat}
        if self.is_chat:
            fields["messages"] = [list(message) for message in self.messages]
        else:
            fields["prompt"] = self.prompt
        if self.kind == "generate":
            sampling = asdict(self.sampling)
            fields["sampling"] = {**sampling, "stop": list(self.sampling.stop)}
        else:
            fields["options"] = list(self.options)
            fields["terminator"] = self.terminator if self.kind == "score_options" else "none"
        return fields


@dataclass(frozen=True)
class Response:
    """What came back for one request.

    Attributes:
        request_id: the request's.
        status: `ok`; `truncated`: a reply ended at `max_tokens`; `refused`: the server's filter
            withheld it; `error`: there is no answer, and asking again may help.
        texts: the replies, one for each of `sampling.n`.
        option_logprobs: natural logarithm of the probability of each option (or label) in the
            request's order; None for one that was not measured or lies outside a list that was
            cut off (censored: never taken for zero). Empty for `generate`.
        logprobs_kind: how they were measured; `constrained` is renormalised over the labels.
        raw: what came back, as JSON types, before anything was made of it.
        prompt_tokens, completion_tokens: as the backend counts them; None where it does not.
        error: what went wrong, for `error` and `refused`; never holds a key.
        seconds: time that the call took.
    """

    request_id: str
    status: ResponseStatus
    texts: tuple[str, ...] = ()
    option_logprobs: tuple[float | None, ...] = ()
    logprobs_kind: LabelLogprobs = "none"
    raw: Mapping[str, Any] = field(default_factory=dict)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do with the model at hand.

    Attributes:
        generate: it writes replies.
        chat: the model has a chat template (or the server a chat end point).
        plain: it takes plain prompts.
        option_logprobs: `exact` or `none`.
        label_logprobs: `exact`: of every label; `constrained`: among the labels only (the mass
            outside them is lost); `censored`: a label outside the server's list is unknown.
        response_format: it can hold a reply to a JSON schema.
        thinks: whether the model may think before it answers, as its chat template says under
            the options in use.
        first_token: whether what the model says first is to be looked at before labels or
            options are scored: a mock has nothing to look at.
        notes: what a user has to know, a sentence each.
    """

    generate: bool = True
    chat: bool = True
    plain: bool = True
    option_logprobs: Literal["exact", "none"] = "none"
    label_logprobs: LabelLogprobs = "none"
    response_format: bool = False
    thinks: bool = False
    first_token: bool = False
    notes: tuple[str, ...] = ()


OnResponse = Callable[[Request, Response], None]


class Backend(Protocol):
    """Answers requests. Local ones batch within `run`; those over HTTP are concurrent within it."""

    def describe(self) -> dict[str, Any]:
        """What decides the answers besides the request, as JSON types: backend, model, revision,
        server, provider, dtype, scorer, ... It is part of every stored call's key, so it holds
        nothing that changes from run to run, and no key.
        """
        ...

    def scoring(self) -> dict[str, Any]:
        """What decides the scores of labels besides, such as the means that a server has. It is
        part of the key of label calls only, so that replies do not depend on a probe.
        """
        ...

    def environment(self) -> dict[str, Any]:
        """What else provenance should tell: versions of libraries, device, batch size."""
        ...

    def capabilities(self) -> Capabilities:
        """What it can do with this model."""
        ...

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer all requests, and call `on_response` for each at once when it is done.

        Requests are drawn lazily, hardly faster than they are answered; answers may come in
        any order. `on_response` is called in the thread that called `run`; an exception from
        it, or from the iterable, ends the run after what is under way was handed over or given
        up. A request that fails is handed over with status `error`: one bad call never ends a
        run.
        """
        ...

    def close(self) -> None:
        """Give back connections and memory; a second call does nothing."""
        ...


def response_json(response: Response) -> dict[str, Any]:
    """A response as JSON types, without what is empty."""
    fields = {
        "request_id": response.request_id,
        "status": response.status,
        "texts": list(response.texts),
        "option_logprobs": list(response.option_logprobs),
        "logprobs_kind": response.logprobs_kind,
        "raw": dict(response.raw),
        "prompt_tokens": response.prompt_tokens,
        "completion_tokens": response.completion_tokens,
        "error": response.error,
        "seconds": response.seconds,
    }
    return {name: content for name, content in fields.items() if content not in (None, "", [], {})}


def response_from_json(fields: Mapping[str, Any]) -> Response:
    """The inverse of `response_json`."""
    listed = {name: tuple(fields[name]) for name in ("texts", "option_logprobs") if name in fields}
    return Response(**{**fields, **listed})

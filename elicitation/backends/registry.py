"""Model names such as `openai:NAME`, and which module opens them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from threading import Event
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from contracts.command_line import DECODING, MODEL, RUN, pairs
from contracts.errors import ContractError, fail
from elicitation.backends.base import Backend

#: Scheme -> function `(name, options) -> Backend`, imported when it is used.
OPENERS: Mapping[str, str] = {
    "hf": "elicitation.backends.hf.backend:open_backend",
    "vllm": "elicitation.backends.vllm.backend:open_backend",
    "openai": "elicitation.backends.openai.http:open_backend",
    "hub": "elicitation.backends.hub:open_backend",
    "mock": "elicitation.backends.mock:open_backend",
}

#: Extras of the package that hold what a backend needs, where it is not `models`.
EXTRAS: Mapping[str, str] = {"vllm": "vllm"}

#: Backends that send what they are asked to another machine.
REMOTE_SCHEMES = frozenset({"openai", "hub"})


BaseUrl = Annotated[
    str, Parameter(help="Server of openai:, for instance http://localhost:8000/v1.")
]
Revision = Annotated[str, Parameter(help="Commit, branch or tag of the model.")]
NumberFormat = Annotated[
    str, Parameter(help="hf:, vllm: number format, such as float32 or bfloat16.")
]
Device = Annotated[str, Parameter(help="hf: device, such as cpu or cuda:0.")]


@Parameter(name="*", group=MODEL)
@dataclass(frozen=True, kw_only=True)
class BackendOptions:
    """How to open a backend; each backend uses the options that concern it.

    Attributes:
        key: API key of the server, over HTTP; it replaces the environment's. It is held in memory
            only and never shown.
        redirects: whether redirects to another address are followed, over HTTP.
        stop: set by another thread, ends a run over HTTP in an orderly way, waits included.
        extra: anything else that one backend knows.
    """

    base_url: BaseUrl = ""
    provider: Annotated[
        str, Parameter(help="Inference provider of hub:. Default: chosen by the Hub.")
    ] = ""
    label_logprobs: Annotated[
        str,
        Parameter(
            help="openai: how the probabilities of labels are obtained: exact, constrained, "
            "censored, or auto (the best that the server supports)."
        ),
    ] = "auto"
    revision: Revision = ""
    dtype: NumberFormat = "auto"
    device: Device = "auto"
    device_map: Annotated[
        str, Parameter(help="hf: device map of a model spread over several GPUs.")
    ] = ""
    batch_tokens: Annotated[int, Parameter(help="hf: maximum number of tokens per batch.")] = 16384
    scorer: Annotated[
        str, Parameter(help="hf: how options are scored: auto, tree, cached, padded or naive.")
    ] = "auto"
    engine_option: Annotated[
        tuple[str, ...],
        pairs(
            "vllm: arguments of the engine, as KEY=VALUE, such as tensor_parallel_size=2 or "
            "max_model_len=4096."
        ),
    ] = ()
    thinking: Annotated[
        Literal["default", "on", "off"],
        Parameter(
            help="Whether a reasoning model thinks before it answers: argument of its chat "
            "template (enable_thinking, thinking); default leaves it to the model.",
            group=DECODING,
        ),
    ] = "default"
    reasoning_effort: Annotated[
        str,
        Parameter(
            help="Reasoning effort, such as low, of models that have one. Default: the model's.",
            group=DECODING,
        ),
    ] = ""
    template_option: Annotated[
        tuple[str, ...],
        pairs("Arguments of the chat template, as KEY=VALUE.", group=DECODING),
    ] = ()
    extra_body: Annotated[
        str,
        Parameter(
            help="openai: further fields of every request, as a JSON object.", group=DECODING
        ),
    ] = ""
    concurrency: Annotated[
        int, Parameter(help="Number of parallel requests over HTTP.", group=RUN)
    ] = 16
    requests_per_minute: Annotated[
        float | None, Parameter(help="Rate limit over HTTP. Default: none.", group=RUN)
    ] = None
    timeout: Annotated[
        float, Parameter(help="Seconds before a request over HTTP times out.", group=RUN)
    ] = 120.0
    attempts: Annotated[
        int, Parameter(help="Maximum number of attempts per request over HTTP.", group=RUN)
    ] = 6
    key: Annotated[str, Parameter(parse=False)] = field(default="", repr=False)
    redirects: Annotated[bool, Parameter(parse=False)] = True
    stop: Annotated[Event | None, Parameter(parse=False)] = None
    extra: Annotated[Mapping[str, Any], Parameter(parse=False)] = field(default_factory=dict)


#: The options with all defaults.
DEFAULT_BACKEND = BackendOptions()


def split_model(model: str) -> tuple[str, str]:
    """Scheme and name of a model such as `hf:ORG/NAME`.

    Raises:
        ContractError: the scheme is unknown or the name is empty.
    """
    scheme, colon, name = model.partition(":")
    if not colon or scheme not in OPENERS or not name:
        raise fail(
            "unknown-model",
            "a model is named by how it is reached and its name",
            found=repr(model),
            allowed=", ".join(f"{known}:NAME" for known in OPENERS),
            hint="For instance openai:my-model --base-url http://localhost:8000/v1",
        )
    return scheme, name


def open_backend(model: str, options: BackendOptions | None = None) -> Backend:
    """The backend that answers as `model`.

    Raises:
        ContractError: the name is wrong, or the model cannot be reached or loaded.
    """
    scheme, name = split_model(model)
    module, _, function = OPENERS[scheme].partition(":")
    try:
        opener = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        raise backend_missing(scheme, error) from None
    backend: Backend = opener(name, options or BackendOptions())
    return backend


def backend_missing(scheme: str, error: ModuleNotFoundError) -> ContractError:
    """The error of a backend whose packages are not installed."""
    return fail(
        "backend-missing",
        f"{scheme}: needs a package that is not installed ({error.name})",
        hint=f"Install it with: pip install 'opinion-atlas[{EXTRAS.get(scheme, 'models')}]'",
    )

"""The engine of vLLM: opened with a model, fed one sequence at a time, drained as each is done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# In this process: Ctrl-C reaches one program only, and the order of steps is the same every time.
os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")

import transformers
import vllm
from transformers import AutoConfig, AutoTokenizer, GenerationConfig
from vllm import LLM, SamplingParams

from contracts.errors import fail
from elicitation.backends.base import Sampling
from elicitation.backends.hf.loading import dtype_of, folder_digest
from elicitation.backends.hf.soundness import check_adapter
from elicitation.backends.hf.tokens import Ids
from elicitation.backends.registry import BackendOptions

#: Most ids whose probabilities one step tells; it is vLLM's own limit.
MOST_IDS = 128

#: Arguments of the engine that this backend sets itself.
TAKEN = ("model", "revision", "tokenizer_revision", "dtype", "logprobs_mode", "max_logprobs")

#: Arguments of the engine that decide how fast it is, not what it answers.
NEUTRAL = frozenset(
    {
        "tensor_parallel_size",
        "pipeline_parallel_size",
        "data_parallel_size",
        "gpu_memory_utilization",
        "kv_cache_memory_bytes",
        "max_model_len",
        "max_num_seqs",
        "max_num_batched_tokens",
        "enforce_eager",
        "enable_prefix_caching",
        "block_size",
        "swap_space",
        "cpu_offload_gb",
        "disable_custom_all_reduce",
    }
)


class Opened(NamedTuple):
    """An engine with what names its model.

    Attributes:
        engine: the engine, stepped by hand.
        tokenizer: the tokenizer of transformers.
        name: name of the repository, or of the folder.
        revision: commit of the repository, or digest of the folder.
        ends: ids that end a reply, as the model's generation settings say.
        arguments: arguments of the engine that the user gave.
    """

    engine: Any
    tokenizer: Any
    name: str
    revision: str
    ends: frozenset[int]
    arguments: dict[str, Any]


class Finished(NamedTuple):
    """One sequence that is done.

    Attributes:
        key: what it was added as.
        ids: ids that the model wrote.
        logprobs: of the ids that were asked about, at the first id written.
    """

    key: str
    ids: Ids
    logprobs: dict[int, float]


def open_engine(name: str, options: BackendOptions) -> Opened:
    """Load a model into an engine.

    Args:
        name: repository of the Hugging Face Hub, or folder.
        options: revision, dtype and arguments of the engine.

    Raises:
        ContractError: it is not there, vLLM does not know its kind, or an argument is wrong.
    """
    dtype_of(options.dtype)
    arguments = engine_arguments(options)
    folder = Path(name).expanduser()
    is_folder = folder.is_dir()
    source = str(folder) if is_folder else name
    revision = None if is_folder else options.revision or None
    if is_folder:
        check_adapter(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
        config = AutoConfig.from_pretrained(source, revision=revision)
        llm = LLM(
            model=source,
            revision=revision,
            tokenizer_revision=revision,
            dtype=options.dtype,
            logprobs_mode="raw_logprobs",
            max_logprobs=MOST_IDS,
            **arguments,
        )
    except Exception as error:  # vLLM raises whatever the part that fails raises
        raise fail(
            "cannot-load-model",
            "vLLM cannot load the model",
            where=name,
            found=f"{type(error).__name__}: {error}".splitlines()[0][:300],
            hint="Name a folder, or a repository of the Hugging Face Hub, of a kind that vLLM "
            "knows; --engine-option sets arguments of the engine, such as max_model_len=4096.",
        ) from error
    loaded_revision = (
        folder_digest(folder) if is_folder else str(getattr(config, "_commit_hash", "") or "")
    )
    return Opened(
        llm.llm_engine,
        tokenizer,
        folder.resolve().name if is_folder else name,
        loaded_revision or options.revision or "unknown",
        _configured_ends(source, revision),
        arguments,
    )


def engine_arguments(options: BackendOptions) -> dict[str, Any]:
    """Arguments of the engine: KEY=VALUE with JSON values, or texts.

    Raises:
        ContractError: one is not written so, or is an option of its own.
    """
    arguments: dict[str, Any] = dict(options.extra.get("vllm", {}))
    for pair in options.engine_option:
        key, equals, text = pair.partition("=")
        if not equals or not key.isidentifier() or key in TAKEN:
            raise fail(
                "bad-engine-option",
                "an argument of the engine is written KEY=VALUE",
                column="--engine-option",
                found=repr(pair),
                allowed=f"arguments of vllm.LLM but {', '.join(TAKEN)}, for instance "
                "tensor_parallel_size=2",
            )
        try:
            arguments[key] = json.loads(text)
        except ValueError:
            arguments[key] = text
    return arguments


def machine() -> dict[str, Any]:
    """Libraries and kind of device."""
    from vllm.platforms import current_platform

    return {
        "vllm": str(vllm.__version__),
        "transformers": str(transformers.__version__),
        "device": str(current_platform.device_type),
    }


def reply_parameters(sampling: Sampling, seed: int | None, ends: set[int]) -> Any:
    """How one reply is written."""
    return SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=seed if sampling.temperature else None,
        stop=list(sampling.stop) or None,
        stop_token_ids=sorted(ends) or None,
        include_stop_str_in_output=True,
    )


def score_parameters(ids: Sequence[int]) -> Any:
    """One token, with the log-probabilities of these ids."""
    return SamplingParams(
        max_tokens=1,
        temperature=0.0,
        logprobs=len(ids),
        logprob_token_ids=list(ids),
        detokenize=False,
    )


def add(engine: Any, key: str, ids: Sequence[int], parameters: Any) -> None:
    """Put a sequence into the queue."""
    engine.add_request(key, {"prompt_token_ids": list(ids)}, parameters)


def step(engine: Any) -> Iterator[Finished]:
    """Compute one step for all sequences under way; those that are done."""
    for output in engine.step():
        if output.finished:
            written = output.outputs[0]
            first = written.logprobs[0] if written.logprobs else {}
            yield Finished(
                output.request_id,
                tuple(written.token_ids),
                {token: float(scored_token.logprob) for token, scored_token in first.items()},
            )


def longest_of(engine: Any) -> int:
    """Most tokens of a sequence."""
    return int(engine.model_config.max_model_len)


def deciding(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that may change answers: part of every stored call's key."""
    return {key: arguments[key] for key in sorted(arguments) if key not in NEUTRAL}


def _configured_ends(source: str, revision: str | None) -> frozenset[int]:
    try:
        end_ids = GenerationConfig.from_pretrained(source, revision=revision).eos_token_id
    except (OSError, ValueError):
        return frozenset()
    if end_ids is None:
        return frozenset()
    return frozenset(map(int, end_ids)) if isinstance(end_ids, list) else frozenset({int(end_ids)})

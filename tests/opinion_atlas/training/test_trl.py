"""TRL takes every form: one step each on a tiny model, and tokens as `elicit` asks them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.models,
    # Warnings of TRL and its dependencies about each other's interfaces are not ours.
    pytest.mark.filterwarnings("ignore"),
]
trl = pytest.importorskip("trl")
transformers = pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from datasets import Dataset  # noqa: E402
from made_surveys import make_survey  # noqa: E402
from tiny_models import save_model  # noqa: E402

from contracts.release.read import Release, open_release  # noqa: E402
from dataset_builder.build import build_release  # noqa: E402
from elicitation.backends.base import Message, Request  # noqa: E402
from elicitation.backends.hf.tokens import Encoder  # noqa: E402
from opinion_atlas.training import (  # noqa: E402
    OptionCollator,
    OptionTrainer,
    rows,
    share_reward,
)

SETTINGS: dict[str, Any] = {
    "max_steps": 1,
    "per_device_train_batch_size": 4,
    "report_to": [],
    "save_strategy": "no",
    "use_cpu": True,
    "bf16": False,
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("trl") / "release"
    build_release([make_survey(people=300)], folder)
    return open_release(folder)


@pytest.fixture
def model(tmp_path: Path) -> tuple[Any, Any]:
    folder = save_model(tmp_path / "model", chat=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    return model, transformers.AutoTokenizer.from_pretrained(folder)


def some(release: Release, form: str, *columns: str) -> Dataset:
    found = list(rows(release, form=form, questions=("Q1", "Q2"), limit=8))  # type: ignore[arg-type]
    return Dataset.from_list(found).select_columns(list(columns)) if columns else found


def weights(model: Any) -> Callable[[], bool]:
    before = [p.detach().clone() for p in model.parameters()]
    return lambda: any(not b.equal(p) for b, p in zip(before, model.parameters(), strict=True))


def test_sft_learns_the_tokens_that_elicit_asks_for(release, model, tmp_path):
    network, tokenizer = model
    changed = weights(network)
    data = some(release, "sft", "prompt", "completion")
    settings = trl.SFTConfig(output_dir=str(tmp_path), max_length=2048, **SETTINGS)
    trainer = trl.SFTTrainer(
        model=network, args=settings, train_dataset=data, processing_class=tokenizer
    )
    encoder = Encoder(tokenizer)
    for row, tokens in zip(data, trainer.train_dataset, strict=True):
        request = Request(
            request_id="", kind="score_labels", prompt="", options=("A",),
            messages=(Message("user", row["prompt"][0]["content"]),),
        )  # fmt: skip
        context = list(encoder.context(request))
        start = next(i for i, label in enumerate(tokens["labels"]) if label != -100)
        assert tokens["input_ids"][:start] == context
        reply = tokens["input_ids"][start:]
        assert tokens["labels"][start:] == reply
        assert tokenizer.decode(reply[:1]) == row["completion"][0]["content"]
        assert encoder.end_of_turn in reply[1:]
    trainer.train()
    assert changed()


def test_dpo_takes_preferences(release, model, tmp_path):
    network, tokenizer = model
    changed = weights(network)
    settings = trl.DPOConfig(output_dir=str(tmp_path), max_length=2048, **SETTINGS)
    data = some(release, "preference", "prompt", "chosen", "rejected")
    trl.DPOTrainer(
        model=network, args=settings, train_dataset=data, processing_class=tokenizer
    ).train()
    assert changed()


def test_grpo_takes_prompts_with_shares(release, model, tmp_path):
    network, tokenizer = model
    data = some(release, "grpo", "prompt", "options", "shares")
    settings = trl.GRPOConfig(
        output_dir=str(tmp_path), num_generations=4, max_completion_length=4, **SETTINGS
    )
    trainer = trl.GRPOTrainer(
        model=network, args=settings, train_dataset=data, processing_class=tokenizer,
        reward_funcs=[share_reward],
    )  # fmt: skip
    trainer.train()
    assert any("rewards/share_reward/mean" in entry for entry in trainer.state.log_history)


def test_soft_targets_are_learnt(release, model, tmp_path):
    network, tokenizer = model
    changed = weights(network)
    settings = transformers.TrainingArguments(
        output_dir=str(tmp_path), remove_unused_columns=False, learning_rate=1e-2,
        **{**SETTINGS, "max_steps": 12, "logging_steps": 1},
    )  # fmt: skip
    trainer = OptionTrainer(
        model=network, args=settings, train_dataset=Dataset.from_list(some(release, "soft")),
        data_collator=OptionCollator(tokenizer), kind="kl",
    )  # fmt: skip
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert changed()
    assert min(losses[-3:]) < losses[0]

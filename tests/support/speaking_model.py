"""A tiny chat model that states shares of the first two answers, whatever it is asked.

Each reply is one token of its own, and the model looks back over a short window only, so what it
learns on short prompts holds on long ones in any script; which shares it states is a draw. So every
condition and language ends in scores.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch

from tests.support.tiny_models import END_OF_TURN, SPECIAL_TOKENS, bpe_tokenizer, tiny_model

#: Steps of teaching, prompts of a step, the pace, and tokens of the longest prompt.
STEPS, BATCH, PACE, LONGEST = 60, 8, 1e-2, 100

REPLIES = tuple(f'{{"1": {first}, "2": {100 - first}}}' for first in range(5, 100, 10))


def save_speaking_model(folder: Path, *, seed: int = 0) -> Path:
    """Teach a tiny model to speak, and save it with its tokenizer."""
    if (folder / "config.json").exists():
        return folder
    tokenizer = bpe_tokenizer(chat=True)
    size = len(tokenizer)
    tokenizer.add_tokens(list(REPLIES))
    model = tiny_model("mistral", vocabulary=len(tokenizer), seed=seed, initializer_range=0.05)
    model.config.max_position_embeddings = 65536
    end = SPECIAL_TOKENS.index(END_OF_TURN)
    tail = tokenizer("<|end|>\n<|assistant|>\n", add_special_tokens=False)["input_ids"]
    replies = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in REPLIES]
    rng = random.Random(seed)
    torch.manual_seed(seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=PACE)
    model.train()
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = PACE * min(1.0, (step + 1) / 15) * (1 - step / STEPS)
        noise = rng.randrange(20, LONGEST)
        rows = []
        for _ in range(BATCH):
            prompt = [rng.randrange(len(SPECIAL_TOKENS), size) for _ in range(noise)]
            rows.append((prompt + tail, [*rng.choice(replies), end]))
        length = max(len(prompt) + len(reply) for prompt, reply in rows)
        ids = torch.zeros(BATCH, length, dtype=torch.long)
        wanted = torch.full_like(ids, -100)
        for row, (prompt, reply) in enumerate(rows):
            text = prompt + reply
            ids[row, : len(text)] = torch.tensor(text)
            wanted[row, len(prompt) : len(text)] = torch.tensor(reply)
        loss = model(input_ids=ids, labels=wanted).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    model.eval()
    model.generation_config.eos_token_id = [2, end]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder

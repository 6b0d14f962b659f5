"""A local server with a real model, which returns probabilities of prompts in vLLM's form.

It has both end points of OpenAI's dialect, `prompt_logprobs`, `continue_final_message`, and lists
as many likely tokens as it is allowed to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from transformers import AutoTokenizer

from tests.support.openai_server import serving_app
from tests.support.tiny_models import load_model


class PromptServer:
    """Answers with a model's probabilities.

    Args:
        folder: the model.
        listed: most entries of a list of likely tokens.
    """

    def __init__(self, folder: Path, *, listed: int = 20) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = load_model(folder)
        self.listed = listed
        self.asked: list[dict[str, Any]] = []

    async def completions(self, http: HttpRequest) -> Response:
        """`/v1/completions`."""
        body = await self._body(http)
        ids = self.tokenizer(body["prompt"])["input_ids"]
        logprobs = self._logprobs(ids)
        best = int(logprobs[-1].argmax())
        choice: dict[str, Any] = {
            "index": 0, "text": self.tokenizer.decode([best]), "finish_reason": "length",
            "prompt_logprobs": self._of_prompt(body, ids, logprobs),
        }  # fmt: skip
        return JSONResponse(self._answer("text_completion", ids, choice))

    async def chat(self, http: HttpRequest) -> Response:
        """`/v1/chat/completions`."""
        body = await self._body(http)
        text = self.tokenizer.apply_chat_template(
            body["messages"],
            tokenize=False,
            add_generation_prompt=body.get("add_generation_prompt", True),
            continue_final_message=body.get("continue_final_message", False),
        )
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        logprobs = self._logprobs(ids)
        best = int(logprobs[-1].argmax())
        choice: dict[str, Any] = {
            "index": 0, "finish_reason": "length",
            "message": {"role": "assistant", "content": self.tokenizer.decode([best])},
        }  # fmt: skip
        if body.get("logprobs"):
            values, tokens = logprobs[-1].topk(min(body.get("top_logprobs", 1), self.listed))
            pairs = zip(tokens.tolist(), values.tolist(), strict=True)
            tops = [
                {"token": self.tokenizer.decode([token]), "logprob": value, "bytes": None}
                for token, value in pairs
            ]
            choice["logprobs"] = {"content": [{**tops[0], "top_logprobs": tops}]}
        answer = self._answer("chat.completion", ids, choice)
        return JSONResponse({**answer, "prompt_logprobs": self._of_prompt(body, ids, logprobs)})

    async def _body(self, http: HttpRequest) -> dict[str, Any]:
        body: dict[str, Any] = await http.json()
        self.asked.append(body)
        return body

    @torch.inference_mode()
    def _logprobs(self, ids: list[int]) -> torch.Tensor:
        """Log-probabilities of every next token, shape (tokens, vocabulary)."""
        found: torch.Tensor = self.model(torch.tensor([ids])).logits[0].log_softmax(-1)
        return found

    def _of_prompt(
        self, body: dict[str, Any], ids: list[int], logprobs: torch.Tensor
    ) -> list[dict[str, Any] | None] | None:
        if not body.get("prompt_logprobs"):
            return None
        found: list[dict[str, Any] | None] = [None]
        for place, token in enumerate(ids[1:]):
            shown = dict.fromkeys((token, int(logprobs[place].argmax())))
            found.append(
                {
                    str(one): {
                        "logprob": float(logprobs[place, one]),
                        "rank": 1,
                        "decoded_token": self.tokenizer.decode([one]),
                    }
                    for one in shown
                }
            )
        return found

    def _answer(self, kind: str, ids: list[int], choice: dict[str, Any]) -> dict[str, Any]:
        usage = {"prompt_tokens": len(ids), "completion_tokens": 1, "total_tokens": len(ids) + 1}
        return {
            "id": "x", "object": kind, "created": 0, "model": "tiny", "choices": [choice],
            "usage": usage,
        }  # fmt: skip


@contextmanager
def serving_model(folder: Path, *, listed: int = 20) -> Iterator[tuple[str, PromptServer]]:
    """Serve a model in a thread of its own; address of its API, and the server."""
    server = PromptServer(folder, listed=listed)
    app = Starlette(
        routes=[
            Route("/v1/completions", server.completions, methods=["POST"]),
            Route("/v1/chat/completions", server.chat, methods=["POST"]),
        ]
    )
    with serving_app(app) as root:
        yield f"{root}/v1", server

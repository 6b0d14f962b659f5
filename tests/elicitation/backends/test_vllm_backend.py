"""The backend `vllm:` beside `hf:` on the same weights. Run by hand, in an environment with vLLM:

VLLM_CPU_KVCACHE_SPACE=1 pytest -m vllm tests/elicitation/backends/test_vllm_backend.py
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.backends.base import Message, Request, Response, Sampling
from elicitation.backends.registry import BackendOptions, open_backend

#: What vLLM loads warns of its own parts.
pytestmark = pytest.mark.filterwarnings("ignore")
needs_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")

OPTIONS = ("Very important", "Rather important", "Not very important", "1", "10")
#: Largest difference of a log-probability from transformers, in nats, in float32.
TOLERANCE = 1e-3
ENGINE = {"vllm": {"max_model_len": 512, "enforce_eager": True, "max_num_seqs": 32}}


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed")
def test_without_vllm_the_extra_is_named() -> None:
    with pytest.raises(ContractError, match=r"vllm: needs a package.*opinion-atlas\[vllm\]"):
        open_backend("vllm:ORG/NAME")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    # Not before it is needed: torch is not in the plain environment.
    from tests.support.tiny_models import save_model

    # Heads as wide as vLLM's attention on processors takes them.
    wide = {"hidden_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2}
    return save_model(tmp_path_factory.mktemp("models") / "tiny-chat", chat=True, **wide)


@pytest.fixture(scope="module")
def backends(folder):
    local = open_backend(f"hf:{folder}", BackendOptions(device="cpu", dtype="float32"))
    served = open_backend(f"vllm:{folder}", BackendOptions(dtype="float32", extra=ENGINE))
    yield local, served
    local.close()
    served.close()
    served.close()


def ask(backend, requests) -> dict[str, Response]:
    """Responses by request."""
    found: dict[str, Response] = {}

    def keep(request: Request, response: Response) -> None:
        assert request.request_id not in found
        found[request.request_id] = response

    backend.run(iter(requests), on_response=keep)
    return found


def requests(
    kind: str, options: tuple[str, ...] = (), *, chat: bool = True, **more
) -> list[Request]:
    """Twenty requests with contexts of different lengths."""
    found = []
    for number in range(20):
        text = f"Question {number}: " + "How important is family in your life? " * (1 + number % 4)
        where = {"messages": (Message("user", text),)} if chat else {"prompt": f"{text}Answer:"}
        said = options if chat else tuple(f" {option}" for option in options)
        found.append(Request(f"r{number}", kind, options=said, **where, **more))
    return found


@pytest.mark.vllm
@needs_vllm
@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("terminator", ["end", "newline", "none"])
def test_options_score_as_in_transformers(backends, chat, terminator) -> None:
    asked = requests("score_options", OPTIONS, chat=chat, terminator=terminator)
    local, served = (ask(backend, asked) for backend in backends)
    assert set(local) == set(served) == {request.request_id for request in asked}
    for name, response in served.items():
        assert response.status == "ok", response.error
        assert response.option_logprobs == pytest.approx(local[name].option_logprobs, abs=TOLERANCE)
        assert response.raw["option_ids"] == local[name].raw["option_ids"]


@pytest.mark.vllm
@needs_vllm
@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("labels", [("A", "B", "C", "D"), tuple(map(str, range(1, 11)))])
def test_labels_score_as_in_transformers(backends, chat, labels) -> None:
    asked = requests("score_labels", labels, chat=chat)
    local, served = (ask(backend, asked) for backend in backends)
    for name, response in served.items():
        assert response.logprobs_kind == "exact"
        assert response.option_logprobs == pytest.approx(local[name].option_logprobs, abs=TOLERANCE)


@pytest.mark.vllm
@needs_vllm
def test_greedy_replies_are_those_of_transformers(backends) -> None:
    asked = requests("generate", sampling=Sampling(max_tokens=12))
    local, served = (ask(backend, asked) for backend in backends)
    for name, response in served.items():
        assert (response.texts, response.status) == (local[name].texts, local[name].status)


@pytest.mark.vllm
@needs_vllm
def test_draws_depend_on_seed_repeat_and_prompt_alone(backends) -> None:
    _, served = backends
    drawn = Sampling(max_tokens=8, temperature=1.0, seed=3, n=3)
    asked = requests("generate", sampling=drawn)
    together = ask(served, asked)
    alone = {name: r for request in asked[:4] for name, r in ask(served, [request]).items()}
    assert all(together[name].texts == response.texts for name, response in alone.items())
    assert len(set(together["r0"].texts)) > 1
    other = ask(served, requests("generate", sampling=drawn, repeat=1))
    assert other["r0"].texts != together["r0"].texts


@pytest.mark.vllm
@needs_vllm
def test_stop_texts_and_lengths(backends) -> None:
    local, served = backends
    whole = ask(served, requests("generate", sampling=Sampling(max_tokens=12)))["r0"]
    stop = whole.texts[0][3:5]
    asked = requests("generate", sampling=Sampling(max_tokens=12, stop=(stop,)))[:1]
    cut = ask(served, asked)["r0"]
    assert cut.texts == ask(local, asked)["r0"].texts == (whole.texts[0].split(stop)[0],)
    assert cut.status == "ok"
    long = Request("long", messages=(Message("user", "word " * 600),))
    failed = ask(served, [long, *asked])
    assert "more than the engine's 512" in failed["long"].error
    assert failed["r0"].texts == cut.texts


@pytest.mark.vllm
@needs_vllm
def test_requests_are_drawn_as_they_are_answered_and_an_error_ends_the_run(backends) -> None:
    _, served = backends
    drawn, answered = count(), []

    def endless():
        for number in drawn:
            yield requests("score_labels", ("A", "B"))[number % 20]

    def stop(_, response: Response) -> None:
        answered.append(response)
        if len(answered) == 5:
            raise KeyboardInterrupt("enough")

    with pytest.raises(KeyboardInterrupt, match="enough"):
        served.run(endless(), on_response=stop)
    assert next(drawn) < 2000
    assert ask(served, requests("score_labels", ("A", "B")))["r0"].status == "ok"


@pytest.mark.vllm
@needs_vllm
def test_a_run_is_stored_resumed_and_says_what_it_was(folder, tmp_path) -> None:
    from elicitation.commands.elicit import ask_model
    from elicitation.commands.options import ElicitOptions
    from elicitation.study.options import StudyOptions

    study = StudyOptions(
        method="option_likelihood", questions=("Q1", "Q46", "Q57"), steer=("persona",),
        countries=("DEU", "JPN"),
    )  # fmt: skip
    backend = BackendOptions(dtype="float32", extra=ENGINE)
    options = ElicitOptions(study=study, backend=backend)
    first = ask_model(f"vllm:{folder}", options, tmp_path / "run")
    again = ask_model(f"vllm:{folder}", options, tmp_path / "run")
    assert (first.progress.made, again.progress.made, again.progress.reused) == (12, 0, 12)
    meta = read_predictions(first.files[0].path).meta
    assert meta.extra["backend"]["backend"] == "vllm"
    assert meta.revision.startswith("folder-")
    assert "vllm" in meta.extra["environment"]
    local = ask_model(
        f"hf:{folder}",
        ElicitOptions(study=study, backend=BackendOptions(dtype="float32", device="cpu")),
        tmp_path / "local",
    )
    pairs = zip(
        *(f.path.read_text("utf-8").splitlines()[1:] for f in (first.files[0], local.files[0])),
        strict=True,
    )
    for mine, other in pairs:
        assert json.loads(mine)["shares"] == pytest.approx(json.loads(other)["shares"], abs=1e-4)


@pytest.mark.vllm
@needs_vllm
@pytest.mark.parametrize("option", ["tensor_parallel_size", "model=other", "=3"])
def test_wrong_arguments_of_the_engine_are_named(folder, option) -> None:
    with pytest.raises(ContractError, match=r"--engine-option.*KEY=VALUE|KEY=VALUE"):
        open_backend(f"vllm:{folder}", BackendOptions(engine_option=(option,)))


@pytest.mark.vllm
@needs_vllm
def test_a_folder_without_a_model_is_named(tmp_path) -> None:
    with pytest.raises(ContractError, match="vLLM cannot load the model"):
        open_backend(f"vllm:{tmp_path}")

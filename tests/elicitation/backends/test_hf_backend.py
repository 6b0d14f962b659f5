"""The backend `hf:` as a run sees it: replies, scores, failures, one by one."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from contracts.errors import ContractError  # noqa: E402
from elicitation.backends.base import Message, Request, Response, Sampling  # noqa: E402
from elicitation.backends.hf.generation import OwnDraws, draws_of  # noqa: E402
from elicitation.backends.hf.loading import folder_digest  # noqa: E402
from elicitation.backends.registry import BackendOptions, open_backend  # noqa: E402
from tests.support.tiny_models import save_model  # noqa: E402

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "tiny-chat", chat=True)


@pytest.fixture(scope="module")
def backend(folder):
    opened = open_backend(f"hf:{folder}", BackendOptions(device="cpu", dtype="float32"))
    yield opened
    opened.close()
    opened.close()


def _chat(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def _ask(backend, *requests: Request) -> dict[str, Response]:
    found: dict[str, Response] = {}

    def keep(request: Request, response: Response) -> None:
        assert response.request_id == request.request_id
        assert request.request_id not in found
        found[request.request_id] = response

    backend.run(iter(requests), on_response=keep)
    return found


def _options(name: str, text: str, **changes: object) -> Request:
    options = ("Very important", "Rather important", "1", "10")
    return Request(name, "score_options", messages=_chat(text), options=options, **changes)


def test_names_itself(backend, folder) -> None:
    described = backend.describe()
    assert described["model"] == "tiny-chat"
    assert described["revision"] == folder_digest(folder)
    assert described["dtype"] == "float32"
    assert str(folder.parent) not in str(described), "the key must hold on other machines"
    able = backend.capabilities()
    assert (able.chat, able.option_logprobs, able.label_logprobs) == (True, "exact", "exact")


def test_digest_tells_changed_weights(folder, tmp_path) -> None:
    other = save_model(tmp_path / "other", chat=True, seed=1)
    assert folder_digest(other) != folder_digest(folder)
    assert folder_digest(other) == folder_digest(other)


def test_every_scorer_gives_the_same(folder) -> None:
    requests = [_options(f"r{i}", f"How important is family, {i}?") for i in range(6)]
    found = {}
    for scorer in ("naive", "padded", "cached", "tree"):
        options = BackendOptions(device="cpu", dtype="float32", scorer=scorer)
        found[scorer] = _ask(open_backend(f"hf:{folder}", options), *requests)
    for request in requests:
        naive = found["naive"][request.request_id].option_logprobs
        for answers in found.values():
            assert answers[request.request_id].option_logprobs == pytest.approx(naive, abs=1e-4)


def test_greedy_reply_is_the_argmax_step_by_step(backend, folder) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    request = Request("r", messages=_chat("Why?"), sampling=Sampling(max_tokens=6))
    answer = _ask(backend, request)["r"]
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    turns = [{"role": "user", "content": "Why?"}]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True)["input_ids"]
    expected = []
    for _ in range(6):
        with torch.inference_mode():
            expected.append(int(model(torch.tensor([ids + expected])).logits[0, -1].argmax()))
    assert answer.raw["replies"][0]["ids"] == expected
    assert answer.status == "truncated"
    assert (answer.prompt_tokens, answer.completion_tokens) == (len(ids), 6)


def test_draws_do_not_depend_on_the_batch(backend) -> None:
    """The same request alone and among others, one of them longer: the same replies."""
    drawn = Sampling(max_tokens=8, temperature=1.0, n=3, seed=4)
    request = Request("r", messages=_chat("How important is family?"), sampling=drawn)
    others = [
        Request(f"o{i}", messages=_chat("Tell me more. " * i), sampling=drawn) for i in range(1, 4)
    ]
    alone = _ask(backend, request)["r"]
    among = _ask(backend, *others, request)["r"]
    assert alone.texts == among.texts
    assert len(set(alone.texts)) > 1
    again = Request("r", messages=request.messages, sampling=drawn, repeat=1)
    assert _ask(backend, again)["r"].texts != alone.texts


def test_draws_of_different_questions_have_nothing_in_common() -> None:
    """With one seed for all, the same noise would fall on every question."""
    drawn = Sampling(temperature=1.0, seed=4)
    requests = [Request(name, messages=_chat(name), sampling=drawn) for name in ("a", "b", "a")]
    draws = [draws_of(0, (1,), drawn, seed=request.draw_seed)[0] for request in requests]
    first, second, again = OwnDraws(draws)(None, torch.zeros(3, 50))
    assert not torch.equal(first, second)
    assert torch.equal(first, again)


def test_repeated_sampling_is_the_same_in_any_order(backend) -> None:
    drawn = Sampling(max_tokens=6, temperature=1.0, seed=4)
    requests = [
        Request(f"{text}{repeat}", messages=_chat(text), sampling=drawn, repeat=repeat)
        for text in ("How important is family?", "And work?")
        for repeat in range(3)
    ]
    forth, back = (_ask(backend, *order) for order in (requests, requests[::-1]))
    assert {name: one.texts for name, one in forth.items()} == {
        name: one.texts for name, one in back.items()
    }
    assert len({one.texts for one in forth.values()}) > 3


def test_unseeded_draws_differ() -> None:
    draws = [draws_of(0, (1,), Sampling(temperature=1.0, seed=None), seed=None)[0] for _ in "ab"]
    scores = torch.zeros(2, 50)
    found = OwnDraws(draws)(None, scores.clone())
    assert not torch.equal(found[0], found[1])


def test_draws_follow_the_probabilities_and_top_p() -> None:
    """4000 draws against p = (0.6, 0.3, 0.1); the bound is four standard errors.

    At top_p = 0.85 the third is shut out, which leaves 2/3 and 1/3.
    """
    logits = torch.tensor([0.6, 0.3, 0.1]).log()
    for top_p, expected in ((1.0, (0.6, 0.3, 0.1)), (0.85, (2 / 3, 1 / 3, 0.0))):
        sampling = Sampling(temperature=1.0, top_p=top_p, n=4000)
        drawn = OwnDraws(draws_of(0, (1,), sampling, seed=0))(None, logits.repeat(4000, 1))
        counts = Counter(drawn.argmax(-1).tolist())
        for index, share in enumerate(expected):
            error = 4 * math.sqrt(share * (1 - share) / 4000)
            assert counts[index] / 4000 == pytest.approx(share, abs=error + 1e-9)


def test_temperature_sharpens() -> None:
    """At temperature 1/2 shares go with the squares: 0.6^2 to 0.4^2."""
    sampling = Sampling(temperature=0.5, n=4000)
    logits = torch.tensor([0.6, 0.4]).log().repeat(4000, 1)
    drawn = OwnDraws(draws_of(0, (1,), sampling, seed=0))(None, logits)
    share = 0.36 / (0.36 + 0.16)
    error = 4 * math.sqrt(share * (1 - share) / 4000)
    assert (drawn.argmax(-1) == 0).double().mean() == pytest.approx(share, abs=error)


def test_stop_text_ends_a_reply(backend) -> None:
    plain = {"prompt": "How important is family?\nAnswer:"}
    free = _ask(backend, Request("r", **plain, sampling=Sampling(max_tokens=40)))["r"]
    stop = free.texts[0][5:8]
    sampling = Sampling(max_tokens=40, stop=(stop,))
    cut = _ask(backend, Request("r", **plain, sampling=sampling))["r"]
    assert cut.status == "ok"
    assert cut.texts[0] == free.texts[0][: free.texts[0].index(stop)]


def test_labels_are_the_next_tokens_probabilities(backend) -> None:
    letters = Request("l", "score_labels", messages=_chat("Which?"), options=("A", "B", "C"))
    as_options = Request(
        "o", "score_options", messages=_chat("Which?"), options=("A", "B", "C"), terminator="none"
    )
    found = _ask(backend, letters, as_options)
    assert found["l"].option_logprobs == pytest.approx(found["o"].option_logprobs, abs=1e-4)
    assert "notes" not in found["l"].raw


def test_labels_that_begin_alike_do_not_stand_for_each_other(backend) -> None:
    labels = ("Very", "Very important")
    asked = {"messages": _chat("Which?"), "options": labels}
    whole = Request("o", "score_options", **asked, terminator="none")
    found = _ask(backend, Request("l", "score_labels", **asked), whole)
    shorter, longer = (math.exp(score) for score in found["o"].option_logprobs)
    scores = [math.exp(score) for score in found["l"].option_logprobs]
    assert scores[0] / scores[1] == pytest.approx((shorter - longer) / longer, rel=1e-3)
    assert "longer labels" in found["l"].raw["notes"][-1]


def test_one_bad_request_ends_no_run(backend) -> None:
    requests = [
        _options("good", "How important is family?"),
        _options("long", "family " * 3000),
        Request("schema", messages=_chat("Why?"), sampling=Sampling(response_format={"a": 1})),
        Request("written", messages=_chat("Why?"), sampling=Sampling(max_tokens=2)),
    ]
    found = _ask(backend, *requests)
    assert {name: r.status for name, r in found.items()} == {
        "good": "ok",
        "long": "error",
        "schema": "error",
        "written": "truncated",
    }
    assert "more than the model's 2048" in found["long"].error
    assert "schema" in found["schema"].error


def test_failing_batch_is_scored_one_by_one(folder, monkeypatch) -> None:
    """Fast passes that fail after the check: every answer comes from the naive scorer."""
    import elicitation.backends.hf.scorers as scorers

    backend = open_backend(f"hf:{folder}", BackendOptions(device="cpu", dtype="float32"))
    requests = [_options(f"r{i}", f"How important is work, {i}?") for i in range(5)]
    expected = _ask(backend, *requests)
    passes = iter(range(1000))

    def failing(*arguments: object, **named: object) -> None:
        if next(passes) > 0:
            raise RuntimeError("out of something")
        real(*arguments, **named)

    real = scorers._score_batch
    monkeypatch.setattr(scorers, "_score_batch", failing)
    found = _ask(backend, *requests)
    assert len(found) == 5
    for name, answer in found.items():
        assert answer.status == "ok"
        assert answer.option_logprobs == pytest.approx(expected[name].option_logprobs, abs=1e-4)


def test_error_of_the_receiver_ends_the_run(backend) -> None:
    def refuse(request: Request, response: Response) -> None:
        raise KeyError("disk full")

    with pytest.raises(KeyError, match="disk full"):
        backend.run([_options("r", "How?")], on_response=refuse)


def test_requests_are_drawn_lazily(backend) -> None:
    drawn = []

    def endless():
        number = 0
        while True:
            drawn.append(number)
            yield _options(f"r{number}", f"How important, {number}?")
            number += 1

    class EnoughError(Exception):
        pass

    def stop(request: Request, response: Response) -> None:
        raise EnoughError("enough")

    with pytest.raises(EnoughError, match="enough"):
        backend.run(endless(), on_response=stop)
    assert len(drawn) <= 300


def test_base_model_without_template(tmp_path) -> None:
    folder = save_model(tmp_path / "base", "gpt2")
    backend = open_backend(f"hf:{folder}", BackendOptions(device="cpu"))
    assert not backend.capabilities().chat
    plain = Request("p", "score_options", prompt="Answer:", options=(" yes", " no"))
    found = _ask(backend, _options("chat", "Why?"), plain)
    assert "no chat template" in found["chat"].error
    assert found["p"].status == "ok"


@pytest.mark.parametrize(
    "options, said",
    [
        ({"dtype": "int3"}, "unknown-dtype"),
        ({"device": "warp:9"}, "no-device"),
        ({"scorer": "magic"}, "unknown-scorer"),
    ],
)
def test_wrong_options_are_said(folder, options, said) -> None:
    with pytest.raises(ContractError, match=said):
        open_backend(f"hf:{folder}", BackendOptions(**options))


def test_model_that_is_not_there(tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ContractError, match="cannot-load-model"):
        open_backend(f"hf:{tmp_path / 'empty'}", BackendOptions(device="cpu"))

"""Every fast way of scoring gives what one plain forward pass per option gives."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from elicitation.backends.hf.choosing import ScorerChoice, checked_items  # noqa: E402
from elicitation.backends.hf.forward import (  # noqa: E402
    new_cache,
    prefill,
    shared_rows,
)
from elicitation.backends.hf.packing import pack, units_of  # noqa: E402
from elicitation.backends.hf.prefixes import prefix_steps  # noqa: E402
from elicitation.backends.hf.scorers import (  # noqa: E402
    DEFAULT_LIMITS,
    SCORERS,
    Limits,
    largest_distance,
    scores_of,
    tree_reach,
)
from elicitation.backends.hf.tokens import Item, common_prefix  # noqa: E402
from tests.support.tiny_models import FAMILIES, WINDOW, tiny_model  # noqa: E402

pytestmark = pytest.mark.models

#: What the fast ways promise in float32.
TOLERANCE = 1e-4

VOCABULARY = 300


def _ids(rng: np.random.Generator, size: int) -> tuple[int, ...]:
    return tuple(int(i) for i in rng.integers(3, VOCABULARY, size))


@pytest.fixture(scope="module")
def items() -> list[Item]:
    """Contexts that share beginnings at two levels, one that shares none, options of all
    lengths; among them one that begins another, and a context that is another's beginning."""
    rng = np.random.default_rng(0)
    head = _ids(rng, 70)
    found = []
    for _ in range(2):
        middle = head + _ids(rng, 18)
        for own in (4, 5, 9):
            options = tuple(_ids(rng, int(size)) for size in rng.integers(1, 7, 5))
            found.append(Item(middle + _ids(rng, own), (*options, (*options[0], 7))))
    found.append(Item(_ids(rng, 20), (_ids(rng, 1), _ids(rng, 4))))
    found.append(Item(found[0].context[:80], (_ids(rng, 2), _ids(rng, 3))))
    return found


@pytest.fixture(scope="module")
def models() -> dict[str, object]:
    return {family: tiny_model(family, vocabulary=VOCABULARY) for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("scorer", ["padded", "cached", "tree"])
@pytest.mark.parametrize("min_saved", [1, 60])
def test_fast_scorers_agree_with_the_naive_one(models, items, family, scorer, min_saved) -> None:
    model = models[family]
    naive = scores_of(model, items, scorer="naive")
    limits = Limits(batch_tokens=700, min_saved=min_saved)
    found = scores_of(model, items, scorer=scorer, limits=limits)
    assert largest_distance(found, naive) < TOLERANCE
    assert min(min(row) for row in naive) < -10, "the models are too uniform to tell errors"


@pytest.mark.parametrize("family", ["mistral", "gemma3"])
def test_tree_stays_within_the_window(models, items, family) -> None:
    model = models[family]
    assert tree_reach(model.config) == WINDOW
    near = [Item(item.context[-30:], item.options) for item in items[:5]]
    assert all(item.longest <= WINDOW for item in near)
    naive = scores_of(model, near, scorer="naive")
    assert largest_distance(scores_of(model, near, scorer="tree"), naive) < TOLERANCE


def test_naive_is_the_sum_of_step_by_step_predictions(models) -> None:
    """The judge itself against predictions taken one token at a time."""
    model = models["llama"]
    rng = np.random.default_rng(1)
    item = Item(_ids(rng, 9), (_ids(rng, 3),))
    expected, line = 0.0, list(item.context)
    for target in item.options[0]:
        with torch.inference_mode():
            logits = model(torch.tensor([line])).logits[0, -1].double()
        expected += float(torch.softmax(logits, -1)[target].log())
        line.append(target)
    assert scores_of(model, [item], scorer="naive")[0][0] == pytest.approx(expected, abs=1e-5)


def test_all_continuations_of_one_token_sum_to_one(models) -> None:
    rng = np.random.default_rng(2)
    every = tuple((i,) for i in range(VOCABULARY))
    for scorer in SCORERS:
        (scores,) = scores_of(models["qwen2"], [Item(_ids(rng, 12), every)], scorer=scorer)
        assert math.fsum(map(math.exp, scores)) == pytest.approx(1, abs=1e-5)


def test_eager_attention_takes_the_tree_too(items) -> None:
    model = tiny_model("llama", vocabulary=VOCABULARY)
    model.set_attn_implementation("eager")
    naive = scores_of(model, items, scorer="naive")
    assert largest_distance(scores_of(model, items, scorer="tree"), naive) < TOLERANCE


def test_16_bit_scores_use_a_32_bit_softmax(items) -> None:
    """In bfloat16 a softmax of 8 bits would be off by tenths; the rest of the model is not."""
    exact = tiny_model("llama", vocabulary=VOCABULARY, initializer_range=0.05)
    naive = scores_of(exact, items, scorer="naive")
    rounded = tiny_model("llama", vocabulary=VOCABULARY, initializer_range=0.05).bfloat16()
    for scorer in SCORERS:
        found = scores_of(rounded, items, scorer=scorer)
        assert largest_distance(found, naive) < 0.15, scorer


@pytest.mark.parametrize("family", FAMILIES)
def test_a_shared_cache_is_left_as_it_was(models, family) -> None:
    model = models[family]
    rng = np.random.default_rng(3)
    ids = _ids(rng, WINDOW + 10)
    with torch.inference_mode():
        cache = prefill(model, ids, new_cache(model.config))
        before = [(layer.keys.clone(), layer.values.clone()) for layer in cache.layers]
        rows = shared_rows(cache, 3)
        model(torch.tensor([_ids(rng, 5)] * 3), past_key_values=rows, use_cache=True)
    assert cache.get_seq_length() == len(ids)
    for layer, (keys, values) in zip(cache.layers, before, strict=True):
        assert torch.equal(layer.keys, keys)
        assert torch.equal(layer.values, values)


def test_unknown_cache_layers_are_copied(models) -> None:
    """A layer of a kind not known to replace its tensors is not shared."""
    from transformers.cache_utils import DynamicLayer

    class Writing(DynamicLayer):
        pass

    model = models["llama"]
    with torch.inference_mode():
        cache = prefill(model, (3, 4, 5), new_cache(model.config))
    for layer in cache.layers:
        layer.__class__ = Writing
    rows = shared_rows(cache, 2)
    assert rows.layers[0].keys.shape[0] == 2
    assert rows.layers[0].keys.data_ptr() != cache.layers[0].keys.data_ptr()
    assert cache.layers[0].keys.shape[0] == 1


def test_each_prefix_extends_the_one_above_and_each_unit_comes_once(items) -> None:
    units = units_of(items, tree=False)
    stack: list[tuple[int, ...]] = []
    seen = []
    for step in prefix_steps(units, min_saved=1):
        del stack[step.depth :]
        if stack:
            assert step.prefix[: len(stack[-1])] == stack[-1]
        stack.append(step.prefix)
        for unit in step.units:
            assert unit.context[: len(step.prefix)] == step.prefix
            assert len(step.prefix) < len(unit.context)
            seen.append((unit.item, unit.numbers))
    assert sorted(seen) == sorted((unit.item, unit.numbers) for unit in units)


def test_options_of_one_token_take_no_rows_of_their_own() -> None:
    item = Item((1, 2), ((3,), (4,), (5, 6), (7, 8)))
    found = [unit.numbers for unit in units_of([item], tree=False)]
    assert found == [(0, 1, 2), (3,)]
    labels = units_of([Item((1, 2), ((3,), (4,)))], tree=False)
    assert [unit.numbers for unit in labels] == [(0, 1)]
    assert pack(labels, prefix=0, device="cpu").allowed is None


def test_tree_mask_and_positions_by_hand() -> None:
    """Context 5 6 behind a prefix of one id, options 1 2 x and 3 y: x and y are never fed."""
    item = Item((9, 5, 6), ((1, 2, 8), (3, 7)))
    packed = pack(units_of([item], tree=True), prefix=1, device="cpu")
    assert packed.input_ids.tolist() == [[5, 6, 1, 2, 3]]
    assert packed.positions.tolist() == [[1, 2, 3, 4, 3]]
    assert packed.allowed[0, 0].int().tolist() == [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 0],
        [1, 1, 1, 0, 0, 1],
    ]
    places = list(zip(packed.rows, packed.columns, strict=True))
    read = [
        (places[r], t, o)
        for r, t, o in zip(packed.reads, packed.targets, packed.owners, strict=True)
    ]
    assert read == [
        ((0, 1), 1, (0, 0)),
        ((0, 2), 2, (0, 0)),
        ((0, 3), 8, (0, 0)),
        ((0, 1), 3, (0, 1)),
        ((0, 4), 7, (0, 1)),
    ]


def test_common_prefix() -> None:
    rng = np.random.default_rng(4)
    for size in range(12):
        first = _ids(rng, 12)
        second = (*first[:size], VOCABULARY, *first[size + 1 :])
        assert common_prefix(first, second) == size
    assert common_prefix((1, 2), (1, 2, 3)) == 2
    assert common_prefix((), (1,)) == 0


def test_fastest_scorer_that_agrees_is_chosen(models, items) -> None:
    expected = {"llama": "tree", "gpt2": "tree", "gemma3": "tree"}
    for family, scorer in expected.items():
        choice = ScorerChoice(models[family], "auto", DEFAULT_LIMITS)
        assert choice.scorer(items) == scorer
        assert choice.environment()["scorer_checks"][0]["distance"] < TOLERANCE


def test_disagreeing_scorer_is_given_up(monkeypatch, items) -> None:
    """A model that ignores the mask's branches makes the tree wrong, and that is noticed."""
    model = tiny_model("llama", vocabulary=VOCABULARY)
    forward = model.forward

    def deaf(*args: object, **named: object) -> object:
        mask = named.get("attention_mask")
        if mask is not None and mask.ndim == 4:
            length, width = mask.shape[-2:]
            causal = torch.ones(length, width, dtype=torch.bool).tril(width - length)
            named["attention_mask"] = causal.expand_as(mask)
        return forward(*args, **named)

    monkeypatch.setattr(model, "forward", deaf)
    choice = ScorerChoice(model, "auto", DEFAULT_LIMITS)
    assert choice.scorer(items) == "cached"
    assert "scorer tree was given up" in choice.notes()[0]


def test_failing_scorers_leave_the_naive_one(monkeypatch, items) -> None:
    model = tiny_model("llama", vocabulary=VOCABULARY)
    monkeypatch.setattr(model, "get_output_embeddings", lambda: None)
    choice = ScorerChoice(model, "auto", DEFAULT_LIMITS)
    assert choice.scorer(items) == "naive"
    assert [check["distance"] for check in choice.environment()["scorer_checks"]] == [None] * 3


def test_checked_items_share_a_beginning(items) -> None:
    first, second = checked_items(items)
    assert first.longest == max(item.longest for item in items)
    assert common_prefix(first.context, second.context) >= 88


def test_wider_batches_change_nothing(models, items) -> None:
    model = models["llama"]
    found = [
        scores_of(model, items, scorer="tree", limits=Limits(batch_tokens=tokens))
        for tokens in (1, 300, 100000)
    ]
    for one, other in pairwise(found):
        assert largest_distance(one, other) < TOLERANCE

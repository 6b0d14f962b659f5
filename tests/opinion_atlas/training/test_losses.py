"""The loss over answers on offer: values, gradients, padding."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.models
torch = pytest.importorskip("torch")

from opinion_atlas.training.losses import label_scores, option_loss, text_scores  # noqa: E402
from opinion_atlas.training.rewards import share_reward  # noqa: E402

SHARES = torch.tensor([[0.5, 0.3, 0.2, 0.0], [0.1, 0.9, 0.0, 0.0]], dtype=torch.float64)


def test_at_the_truth_cross_entropy_is_entropy_and_the_others_are_zero():
    shares = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64)
    entropy = -float((shares * shares.log()).sum())
    assert float(option_loss(shares.log(), shares)) == pytest.approx(entropy, abs=1e-9)
    assert float(option_loss(shares.log(), shares, kind="kl")) == pytest.approx(0, abs=1e-9)
    assert float(option_loss(shares.log(), shares, kind="w1")) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", ["cross_entropy", "kl", "w1"])
@pytest.mark.parametrize("renormalise", [True, False])
def test_the_gradient_is_the_numerical_one(kind, renormalise):
    if kind == "w1" and not renormalise:
        pytest.skip("w1 needs shares that add up to 1")
    torch.manual_seed(0)
    scores = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)

    def loss(given):
        return option_loss(given, SHARES, kind=kind, renormalise=renormalise)

    assert torch.autograd.gradcheck(loss, (scores,))


def test_forward_kl_pushes_by_the_difference_of_shares():
    scores = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    option_loss(scores, SHARES[:1], kind="kl").backward()
    assert torch.allclose(scores.grad, 0.25 - SHARES[:1])


def test_w1_is_one_minus_alignment():
    model = np.array([0.1, 0.2, 0.3, 0.4])
    expected = np.abs(np.cumsum(model) - np.cumsum(SHARES[0].numpy()))[:-1].sum() / 3
    found = option_loss(torch.tensor(model).log()[None], SHARES[:1], kind="w1")
    assert float(found) == pytest.approx(expected)


def test_padding_changes_nothing():
    logits = torch.randn(1, 50)
    ids = torch.tensor([[3, 7, 9]])
    padded = torch.tensor([[3, 7, 9, -100, -100]])
    shares = torch.tensor([[0.2, 0.3, 0.5]])
    wide = torch.tensor([[0.2, 0.3, 0.5, 0.0, 0.0]])
    for kind in ("cross_entropy", "kl", "w1"):
        narrow = option_loss(label_scores(logits, ids), shares, kind=kind)
        assert torch.allclose(narrow, option_loss(label_scores(logits, padded), wide, kind=kind))


def test_text_scores_sum_the_tokens_of_an_option():
    torch.manual_seed(0)
    logits = torch.randn(1, 1, 4, 11)
    ids = torch.tensor([[[1, 2, 3, 4]]])
    option = torch.tensor([[[False, False, True, True]]])
    logprobs = torch.log_softmax(logits[0, 0], -1)
    expected = logprobs[1, 3] + logprobs[2, 4]
    assert torch.allclose(text_scores(logits, ids, option)[0, 0], expected)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="differ"):
        option_loss(torch.zeros(1, 3), torch.zeros(1, 4))
    with pytest.raises(ValueError, match="no kind"):
        option_loss(torch.zeros(1, 3), torch.zeros(1, 3), kind="mse")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="leave renormalise on"):
        option_loss(torch.zeros(1, 3), torch.zeros(1, 3), kind="w1", renormalise=False)


def test_rewards_favour_the_answer_that_is_lacking():
    options = [[{"label": "A"}, {"label": "B"}]] * 4
    shares = [[0.5, 0.5]] * 4
    reward = share_reward(["A", "A", "B", "?"], prompts=["p"] * 4, options=options, shares=shares)
    assert reward[3] == -1
    assert reward[2] > 0 > reward[0] == reward[1]

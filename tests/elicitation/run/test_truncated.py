"""Replies that end at the token limit: tried with more tokens, and the end of a hopeless run."""

from __future__ import annotations

import pytest

from elicitation.backends.base import Response
from elicitation.backends.mock import MockBackend
from elicitation.run.runner import MORE_TOKENS, MOST_TRUNCATED_IN_A_ROW
from elicitation.run.session import run_study


class Thinks(MockBackend):
    """Says nothing but thoughts until it has room enough for them."""

    def __init__(self, needs: float) -> None:
        super().__init__("steady")
        self._needs = needs
        self.limits: list[int] = []

    def _respond(self, request):
        most = request.sampling.max_tokens
        self.limits.append(most)
        if most < self._needs:
            text = "<think>Let me see what people would say"
            return Response(request.request_id, "truncated", (text,), raw={"cut": True})
        return super()._respond(request)


def test_a_truncated_reply_is_tried_once_with_more_tokens(tmp_path, plan_of):
    plan = plan_of(method="verbalized", steer=("none",), questions=("Q1", "Q2", "Q3"))
    backend = Thinks(needs=1000)
    session = run_study(plan, backend, tmp_path)
    assert session.files[0].statuses == {"ok": 3}
    assert session.files[0].second_tries == 3
    assert sorted(backend.limits) == [256] * 3 + [256 * MORE_TOKENS] * 3
    assert not session.progress.stopped
    again = Thinks(needs=1000)
    run_study(plan, again, tmp_path)
    assert again.limits == []


def test_the_longest_prompt_shows_at_once_that_replies_are_too_long(tmp_path, plan_of):
    plan = plan_of(method="verbalized", steer=("none",), questions=("alignment",))
    backend = Thinks(needs=1e9)
    session = run_study(plan, backend, tmp_path)
    assert backend.limits == [256, 1024]
    assert "the longest prompt ended at the limit of 1,024 tokens" in session.progress.stopped
    assert "--max-tokens" in session.progress.stopped
    assert session.files[0].is_mostly_unread


def test_many_truncated_replies_in_a_row_end_a_run_that_goes_on_all_the_same(tmp_path, plan_of):
    plan = plan_of(method="verbalized", steer=("none",), questions=("alignment",))
    run_study(plan, Thinks(needs=1e9), tmp_path)
    backend = Thinks(needs=1e9)
    session = run_study(plan, backend, tmp_path)
    assert len(backend.limits) == MOST_TRUNCATED_IN_A_ROW
    assert f"{MOST_TRUNCATED_IN_A_ROW} calls in a row" in session.progress.stopped


@pytest.mark.parametrize("reask", [True, False])
def test_without_second_tries_there_are_no_longer_ones(tmp_path, plan_of, reask):
    plan = plan_of(method="verbalized", steer=("none",), questions=("Q1", "Q2"), reask=reask)
    backend = Thinks(needs=1000)
    run_study(plan, backend, tmp_path)
    assert len(backend.limits) == (4 if reask else 2)


def test_exit_code_where_under_half_can_be_read(tmp_path):
    from opinion_atlas.app import main

    tokens = ["elicit", "mock:refuses", "--questions", "Q1", "--steer", "none", "--out"]
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*tokens, str(tmp_path / "refused")])  # a refusal can be read


def test_countries_without_respondents_are_named_and_left_out(plan_of, capsys, tmp_path):
    from opinion_atlas.app import main

    options = {"steer": ("persona",), "questions": ("Q1",), "countries": ("DEU", "IDN", "TUR")}
    plan = plan_of(**options)
    assert (plan.study.countries, plan.study.left_out) == (("DEU",), ("IDN", "TUR"))
    assert plan_of(**options, allow_unscored=True).study.countries == ("DEU", "IDN", "TUR")
    tokens = ["elicit", "mock:steady", "--questions", "Q1", "--steer", "persona", "--out", "x"]
    with pytest.raises(SystemExit, match=r"^0$"):
        main([*tokens, "--countries", "DEU,IDN", "--dry-run"])
    assert "left out: IDN (no respondents in wave 7" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"^2$"):
        main([*tokens, "--countries", "IDN", "--dry-run"])
    assert "--allow-unscored" in capsys.readouterr().err

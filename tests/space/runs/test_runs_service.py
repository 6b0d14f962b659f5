"""Runs from start to report, stopped, resumed, and taken up again after a restart."""

from __future__ import annotations

import time

import pytest
from fault_proxy import spoiling
from openai_server import Dialect, serving, serving_app
from redirecting import redirecting
from runs_house import (
    ANNA,
    BERT,
    HOME_VISITOR,
    KEY,
    PUBLIC_QUICK,
    house,
    hub_choice,
    hub_opener,
    server_choice,
    started,
    wait_for,
)
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from contracts.errors import ContractError
from contracts.report import read_report
from elicitation.backends import hub_catalogue
from space.pages.running.show import quote_html
from space.runs.keys import Key
from space.runs.place import board_place
from space.runs.service import Visitor

pytestmark = pytest.mark.usefixtures("no_keys_around")


def test_the_estimate_comes_before_anything_is_asked(tmp_path, reference):
    with serving() as server:
        runs = house(tmp_path, reference)
        choice = server_choice(
            server.url, steering=("none", "persona"), price_in=1.0, price_out=2.0
        )
        quote = runs.quote(choice, HOME_VISITOR)
        runs.close()
        assert server.seen == []
    # Six questions once for nobody, and once for each of three countries.
    assert quote.conditions == {"none_en": 6, "persona_en": 18}
    assert quote.estimate.calls == 24
    assert (quote.questions, quote.countries) == (6, 3)
    tokens = quote.estimate
    assert tokens.cost == pytest.approx((tokens.prompt_tokens + 2 * tokens.completion_tokens) / 1e6)
    assert runs.list(HOME_VISITOR) == []


def test_the_cost_rests_on_the_catalogue_where_no_prices_are_typed(
    tmp_path, reference, monkeypatch
):
    providers = [
        {"provider": "novita", "pricing": {"input": 0.5, "output": 1.0}},
        {"provider": "together", "pricing": {"input": 2.0, "output": 4.0}, "context_length": 8192},
    ]

    async def models(_):
        listed = [{"id": hub_choice().model, "providers": providers}]
        return JSONResponse({"data": listed})

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    hub_catalogue._catalogue.cache_clear()
    runs = house(tmp_path, reference)
    with serving_app(Starlette(routes=[Route("/v1/models", models)])) as root:
        monkeypatch.setattr(hub_catalogue, "CATALOGUE", f"{root}/v1/models")
        found = runs.quote(hub_choice(), HOME_VISITOR)
        chosen = runs.quote(hub_choice(provider="novita"), HOME_VISITOR)
        typed = runs.quote(hub_choice(price_in=7.0), HOME_VISITOR)
    runs.close()
    tokens = found.estimate
    # Where the router chooses, the dearest counts.
    costs = (
        (2 * tokens.prompt_tokens + 4 * tokens.completion_tokens) / 1e6,
        (0.5 * tokens.prompt_tokens + tokens.completion_tokens) / 1e6,
        7 * tokens.prompt_tokens / 1e6,
    )
    # Tokens are rounded in the estimate, and not in its cost.
    quoted = (tokens.cost, chosen.estimate.cost, typed.estimate.cost)
    assert quoted == pytest.approx(costs, rel=1e-3)
    page = quote_html(found, most=100)
    assert "US dollars (prices of together)" in page
    assert "8,192" in page
    assert "(prices of" not in quote_html(typed, most=100)


def test_a_run_ends_in_a_report_for_every_condition(tmp_path, reference):
    with serving(Dialect(key=KEY)) as server:
        runs = house(tmp_path, reference)
        run_id = started(runs, server_choice(server.url, steering=("none", "persona")))
        record = wait_for(runs, run_id, "finished")
        runs.close()
    assert record.whole
    assert record.counts.made == 24
    assert [result.condition for result in record.results] == ["none_en", "persona_en"]
    for result, path in runs.book.reports(record):
        report = read_report(path)
        assert result.answered == result.expected
        assert {entry.country for entry in report.countries} >= {"DEU", "JPN", "USA"}
        assert report.predictions.meta.model == "tiny"
    assert len(runs.pool.keys) == 0


def test_faults_of_the_server_are_got_over(tmp_path, reference):
    faults = [("429",), ("500", "drop"), ("garbage",), ("half", "503"), ()]
    with serving() as server, spoiling(server.url, faults) as proxy:
        runs = house(tmp_path, reference)
        record = wait_for(runs, started(runs, server_choice(proxy.url)), "finished")
        runs.close()
    assert record.whole
    assert record.counts.statuses == {"ok": 6}
    assert set(proxy.met) == {"429", "500", "drop", "garbage", "half", "503"}


def test_stopped_and_resumed_it_asks_nothing_twice(tmp_path, reference):
    with serving(Dialect(delay=0.2)) as server:
        runs = house(tmp_path, reference)
        run_id = started(runs, server_choice(server.url, sample=60))
        while runs.view(run_id, HOME_VISITOR).record.counts.made < 5:
            time.sleep(0.05)
        runs.stop(run_id, HOME_VISITOR)
        stopped = wait_for(runs, run_id, "stopped")
        assert stopped.why == "stopped by you"
        assert 5 <= stopped.counts.made < 60
        assert len(runs.pool.keys) == 0
        server.dialect.delay = 0.0
        runs.resume(run_id, Key(KEY), HOME_VISITOR)
        record = wait_for(runs, run_id, "finished")
        runs.close()
    bodies = [str(body["messages"]) for body in server.asked]
    assert len(bodies) == len(set(bodies)) == 60
    assert record.counts.reused == stopped.counts.made
    assert record.whole
    assert sum(record.spent.values()) == 60


def test_after_a_restart_a_run_is_stopped_and_goes_on_with_a_new_key(tmp_path, reference):
    with serving(Dialect(delay=0.2)) as server:
        before = house(tmp_path, reference)
        run_id = started(before, server_choice(server.url, sample=40))
        while before.view(run_id, HOME_VISITOR).record.counts.made < 5:
            time.sleep(0.05)
        # The process dies: nobody keeps house, writes, or holds the key any more.
        live = before.pool.live(run_id)
        before.pool._ending.set()
        before.book.change = lambda *_args, **_more: None
        live.stop.set()
        live.thread.join(20)

        after = house(tmp_path, reference)
        stopped = wait_for(after, run_id, "stopped")
        assert stopped.why == "the server was restarted; resume with your key"
        assert len(after.pool.keys) == 0
        server.dialect.delay = 0.0
        after.resume(run_id, Key(KEY), HOME_VISITOR)
        record = wait_for(after, run_id, "finished")
        after.close()
    assert record.whole
    assert record.counts.reused >= 5
    bodies = [str(body["messages"]) for body in server.asked]
    assert len(bodies) == len(set(bodies)) == 40


def test_closing_the_server_leaves_runs_that_can_be_resumed(tmp_path, reference):
    with serving(Dialect(delay=0.3)) as server:
        runs = house(tmp_path, reference)
        first = started(runs, server_choice(server.url, sample=60))
        second = started(runs, server_choice(server.url, sample=50))
        third = started(runs, server_choice(server.url, sample=40))
        wait_for(runs, second, "running")
        assert runs.view(third, HOME_VISITOR).place == 0
        runs.close()
        for run_id in (first, second, third):
            record = runs.book.read(run_id)
            assert (record.state, record.why) == (
                "stopped",
                "the server was stopped; resume with your key",
            )
    assert len(runs.pool.keys) == 0


def test_a_hosted_model_is_asked_with_the_visitors_login(tmp_path, reference):
    with serving(Dialect(key=KEY)) as server:
        runs = house(tmp_path, reference, rules=PUBLIC_QUICK, opener=hub_opener(server.url))
        run_id = started(runs, hub_choice(), ANNA)
        record = wait_for(runs, run_id, "finished")
        runs.close()
        assert {call["headers"]["authorization"] for call in server.seen} == {f"Bearer {KEY}"}
    assert record.account == "anna"
    assert record.whole


def test_a_run_is_its_owners_alone(tmp_path, reference):
    with serving() as server:
        runs = house(tmp_path, reference, rules=PUBLIC_QUICK, opener=hub_opener(server.url))
        run_id = started(runs, hub_choice(), ANNA)
        wait_for(runs, run_id, "finished")
        assert [record.id for record in runs.list(ANNA)] == [run_id]
        for stranger in (BERT, Visitor(), HOME_VISITOR):
            assert runs.list(stranger) == []
            for act in (
                lambda who: runs.view(run_id, who),
                lambda who: runs.stop(run_id, who),
                lambda who: runs.resume(run_id, Key(KEY), who),
                lambda who: runs.delete(run_id, who),
            ):
                with pytest.raises(ContractError, match="no such run of yours"):
                    act(stranger)
        runs.close()


@pytest.mark.parametrize("name", ["", "run-", "../store", "run-../../etc/x", "run-ABCDEFGHIJKL"])
def test_a_run_is_found_by_nothing_but_its_name(name, tmp_path, reference):
    runs = house(tmp_path, reference)
    with pytest.raises(ContractError, match="no such run of yours"):
        runs.view(name, HOME_VISITOR)
    runs.close()


def test_a_refused_key_ends_the_run_at_once_and_says_so(tmp_path, reference):
    with serving(Dialect(key="another", echo_key=True)) as server:
        runs = house(tmp_path, reference, rules=PUBLIC_QUICK, opener=hub_opener(server.url))
        run_id = started(runs, hub_choice(), ANNA)
        record = wait_for(runs, run_id, "stopped")
        runs.close()
    assert "the key is not accepted" in record.why
    assert KEY not in record.model_dump_json()


def test_a_deleted_run_is_gone_and_its_calls_still_count(tmp_path, reference):
    with serving() as server:
        runs = house(tmp_path, reference)
        run_id = started(runs, server_choice(server.url))
        wait_for(runs, run_id, "finished")
        left = runs.calls_left(HOME_VISITOR)
        assert left == runs.rules.calls_a_day - 6
        runs.delete(run_id, HOME_VISITOR)
        assert runs.list(HOME_VISITOR) == []
        assert runs.calls_left(HOME_VISITOR) == left
        with pytest.raises(ContractError, match="no such run"):
            runs.view(run_id, HOME_VISITOR)
        names = {path.name for path in runs.book.path(run_id).iterdir()}
        assert names == {"record.json"}
        runs.close()


def test_partial_scores_come_while_it_runs(tmp_path, reference):
    with serving(Dialect(delay=0.4)) as server:
        runs = house(tmp_path, reference)
        run_id = started(runs, server_choice(server.url, sample=140))
        deadline = time.monotonic() + 60
        scores = ()
        while not scores and time.monotonic() < deadline:
            scores = runs.view(run_id, HOME_VISITOR, partial=True).partial
            time.sleep(0.2)
        runs.stop(run_id, HOME_VISITOR)
        wait_for(runs, run_id, "stopped")
        runs.close()
    assert scores[0].condition == "none_en"
    assert 0 < scores[0].answered < 140
    assert scores[0].expected == 140
    found = {score.name: score for score in scores[0].report.scores}
    assert 0 < found["alignment"].value.estimate < 1


@pytest.mark.parametrize(
    ("labels", "method"), [("exact", "option_likelihood"), ("constrained", "label_likelihood")]
)
def test_judgments_are_run_where_the_server_scores(labels, method, tmp_path, reference):
    with serving(Dialect(labels=labels, key=KEY)) as server:
        runs = house(tmp_path, reference)
        choice = server_choice(
            server.url, protocol="judgments", method=method, steering=("persona",), sample=4
        )
        record = wait_for(runs, started(runs, choice), "finished")
        _, path = next(runs.book.reports(record))
        runs.close()
    assert record.whole
    assert record.counts.made == 4 * 3
    report = read_report(path)
    scored = {e.country for e in report.countries if e.alignment.estimate is not None}
    assert scored == {"DEU", "JPN", "USA"}
    if method == "option_likelihood":  # letters have the same shares for every question here
        assert "judgments" in {one.protocol for one in report.protocols if one.applies}


def test_a_method_that_the_server_cannot_serve_is_told(tmp_path, reference):
    with serving(Dialect(labels="none")) as server:
        runs = house(tmp_path, reference)
        choice = server_choice(server.url, protocol="judgments", steering=("persona",))
        record = wait_for(runs, started(runs, choice), "stopped")
        runs.close()
    assert "gives no probabilities of labels" in record.why


def test_advice_ends_in_a_report_and_a_page(tmp_path, reference):
    from space.pages.running.show import report_html, view_html

    with serving() as server:
        runs = house(tmp_path, reference)
        choice = server_choice(
            server.url, protocol="advice", steering=(), approaches=("persona",), sample=3
        )
        record = wait_for(runs, started(runs, choice), "finished")
        result, path = next(runs.book.reports(record))
        shown = view_html(runs.view(record.id, HOME_VISITOR))
        place = board_place(runs.store, path, row_class="uploaded")
        runs.close()
    # Three dilemmas, both orders of the options, three countries.
    assert record.counts.made == 3 * 2 * 3
    assert "advice, forced choice" in shown
    page = report_html(read_report(path), place, condition=result.condition, row_class="uploaded")
    assert "advice is not ranked" in page


def test_what_a_provider_says_is_no_markup(tmp_path, reference):
    from space.pages.running.show import runs_html, view_html

    runs = house(tmp_path, reference)
    choice = server_choice("http://localhost:1/v1")
    record = runs.book.create(choice, account="", holder="x")
    bad = "<script>alert(1)</script>"
    update = {"state": "stopped", "why": bad, "errors": (bad,)}
    runs.book.change(record.id, update)
    view = runs.view(record.id, HOME_VISITOR)
    for page in (view_html(view), runs_html(runs.list(HOME_VISITOR))):
        assert "<script" not in page
    assert "&lt;script&gt;" in view_html(view)
    runs.close()


@pytest.mark.parametrize("kind", ["server", "hub"])
def test_a_redirect_is_not_followed(kind, tmp_path, reference):
    with serving() as inner, redirecting(inner.url) as outer:
        hub = kind == "hub"
        more = {"rules": PUBLIC_QUICK, "opener": hub_opener(outer)} if hub else {}
        runs = house(tmp_path, reference, **more)
        choice = hub_choice() if hub else server_choice(outer)
        record = wait_for(runs, started(runs, choice, ANNA if hub else HOME_VISITOR), "stopped")
        runs.close()
        assert "HTTP 307" in record.why
        assert inner.seen == []


def test_a_hosted_model_is_asked_by_its_name_alone(tmp_path, reference, monkeypatch):
    """The product's own road to inference providers, its router's address apart."""
    from huggingface_hub.inference._providers import CONVERSATIONAL_AUTO_ROUTER

    token = f"hf_{KEY}"
    with serving(Dialect(key=token, echo_key=True)) as server:
        monkeypatch.setattr(CONVERSATIONAL_AUTO_ROUTER, "base_url", server.url.removesuffix("/v1"))
        runs = house(tmp_path, reference, rules=PUBLIC_QUICK)
        run_id = runs.start(hub_choice(), Key(token), ANNA).id
        record = wait_for(runs, run_id, "finished")
        runs.close()
    assert record.whole
    assert {call["body"]["model"] for call in server.seen} == {"org/tiny"}
    assert {call["headers"]["authorization"] for call in server.seen} == {f"Bearer {token}"}
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in left if KEY.encode() in path.read_bytes()]


def test_a_token_that_is_none_of_the_hub_is_told(tmp_path, reference):
    runs = house(tmp_path, reference, rules=PUBLIC_QUICK)
    run_id = runs.start(hub_choice(), Key(KEY), ANNA).id
    record = wait_for(runs, run_id, "stopped")
    runs.close()
    assert "Cannot select auto-router" in record.why
    assert KEY not in record.model_dump_json()

"""Prices and providers of hosted models from a catalogue on a local port."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openai_server import serving_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from elicitation.backends import hub_catalogue
from elicitation.backends.hub_catalogue import Offer, offers, price_of
from elicitation.backends.registry import BackendOptions
from elicitation.commands.options import ElicitOptions
from elicitation.commands.prices import with_prices
from elicitation.run.limits import Limits
from opinion_atlas.app import main

MODEL = "org/model"
PROVIDERS: list[Any] = [
    {"provider": "dear", "status": "live", "pricing": {"input": 2, "output": 6.5},
     "context_length": 8192},
    {"provider": "cheap", "status": "live", "pricing": {"input": 0.5, "output": 1}},
    {"provider": "silent", "status": "live"},
    {"provider": "down", "status": "error", "pricing": {"input": 9, "output": 9}},
    {"provider": "odd", "status": "live", "pricing": {"input": "free", "output": -1}},
    "nonsense",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    hub_catalogue._catalogue.cache_clear()


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def catalogue(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The catalogue, in place of the Hub's."""

    async def models(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "providers": PROVIDERS}]})

    with serving_app(Starlette(routes=[Route("/v1/models", models)])) as root:
        monkeypatch.setattr(hub_catalogue, "CATALOGUE", f"{root}/v1/models")
        yield f"{root}/v1/models"


def test_live_offers_come_cheapest_first(catalogue: str, asked: list[str]) -> None:
    found = offers(MODEL)
    assert found[:2] == (Offer("cheap", 0.5, 1.0, None), Offer("dear", 2.0, 6.5, 8192))
    assert {offer.provider for offer in found[2:]} == {"odd", "silent"}
    assert all(offer.prompt_price is None for offer in found[2:])
    assert offers("org/other") == ()
    assert len(asked) == 1


def test_the_dearest_counts_where_the_router_chooses(catalogue: str) -> None:
    found = offers(MODEL)
    dear = price_of(found, "auto")
    assert dear is not None
    assert dear.provider == "dear"
    assert price_of(found, "cheap") == found[0]
    assert price_of(found, "silent") is None
    assert price_of((), "") is None


@pytest.mark.parametrize("answer", [JSONResponse({"data": 3}), JSONResponse([]), Response("x", 500),
                                    JSONResponse({"data": [{"id": MODEL}]})])  # fmt: skip
def test_a_broken_catalogue_has_no_offers(answer: Response) -> None:
    async def models(_: Request) -> Response:
        return answer

    with serving_app(Starlette(routes=[Route("/v1/models", models)])) as root:
        assert offers(MODEL, address=f"{root}/v1/models") == ()
    assert offers(MODEL, address="http://127.0.0.1:9/v1/models") == ()


def test_typed_prices_and_other_models_are_left_alone(catalogue: str, asked: list[str]) -> None:
    plain = ElicitOptions()
    typed = ElicitOptions(limits=Limits(prompt_price=3.0))
    own = ElicitOptions(backend=BackendOptions(base_url="http://localhost:1/v1"))
    for model, options in ((f"hub:{MODEL}", typed), (f"hub:{MODEL}", own), ("mock:steady", plain)):
        assert with_prices(model, options) == (options, "")
    assert asked == []
    found = with_prices(f"hub:{MODEL}", plain)
    assert (found.options.limits.prompt_price, found.options.limits.completion_price) == (2.0, 6.5)
    assert "provider dear, the dearest of 4: cheap, dear, odd, silent" in found.source
    cheap = with_prices(f"hub:{MODEL}", ElicitOptions(backend=BackendOptions(provider="cheap")))
    assert "0.5 in, 1 out" in cheap.source


def test_a_dry_run_estimates_the_cost(catalogue: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["elicit", f"hub:{MODEL}", "--out", "run", "--dry-run", "--questions", "Q1,Q46",
                 "--countries", "DEU"]  # fmt: skip
    with pytest.raises(SystemExit, match=r"^0$"):
        main(arguments)
    said = " ".join(capsys.readouterr().out.split())
    assert "at the given prices" in said
    assert "router's catalogue" in said

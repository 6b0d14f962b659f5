"""Who serves a hosted model, and at what price: the catalogue of the Hub's router.

Source: https://huggingface.co/docs/inference-providers/hub-api, `GET /v1/models` of the router: an
OpenAI-compatible list whose entries name `providers` with `status` and `pricing` in US dollars per
million tokens.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

#: The catalogue; it is public and takes no key.
CATALOGUE = "https://router.huggingface.co/v1/models"

#: Seconds that it may take: prices are an extra, and nobody waits long for them.
_TIMEOUT = 10.0

#: Seconds for which it counts as known.
_CACHE_SECONDS = 600


class Offer(NamedTuple):
    """A provider's offer of a model.

    Attributes:
        provider: its name, as `--provider` takes it.
        prompt_price, completion_price: US dollars per million tokens; None where it states none.
        context: longest context in tokens; None where it states none.
    """

    provider: str
    prompt_price: float | None
    completion_price: float | None
    context: int | None


def offers(model: str, *, address: str = "") -> tuple[Offer, ...]:
    """Live offers of a model, the cheapest first; empty where the catalogue has none or cannot be
    reached.

    Args:
        model: `ORG/NAME`.
        address: the catalogue; "" for that of the Hub.
    """
    candidates = (_offer(one) for one in _providers(model, address or CATALOGUE))
    live = [offer for offer in candidates if offer is not None]
    return tuple(sorted(live, key=lambda offer: (_price(offer), offer.provider)))


def price_of(model_offers: Iterable[Offer], provider: str = "") -> Offer | None:
    """The offer to reckon with: the provider's own, or, where the router chooses, the dearest.

    Args:
        found: offers of the model.
        provider: name of the provider; "" or `auto` where the router chooses.

    Returns:
        None where no such offer states its prices.
    """
    wanted = provider if provider != "auto" else ""
    priced = [
        offer
        for offer in model_offers
        if offer.prompt_price is not None
        and offer.completion_price is not None
        and wanted in ("", offer.provider)
    ]
    return max(priced, key=_price, default=None)


def _price(offer: Offer) -> float:
    """Price of a million tokens of each kind; unstated prices come last."""
    if offer.prompt_price is None or offer.completion_price is None:
        return float("inf")
    return offer.prompt_price + offer.completion_price


def _providers(model: str, address: str) -> Iterable[Any]:
    """Entries of a model's providers; the catalogue is asked for once in ten minutes."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return ()
    return _catalogue(address, int(time.monotonic() // _CACHE_SECONDS)).get(model, ())


@lru_cache(maxsize=2)
def _catalogue(address: str, _period: int) -> Mapping[str, Sequence[Any]]:
    """Providers by model; empty where the catalogue cannot be had: it is another's, and without it
    prices are typed, as for every other server."""
    from httpx2 import HTTPError
    from huggingface_hub import get_session

    try:
        answer = get_session().get(address, timeout=_TIMEOUT)
        answer.raise_for_status()
        return {
            entry["id"]: entry["providers"]
            for entry in answer.json()["data"]
            if isinstance(entry.get("id"), str) and isinstance(entry.get("providers"), list)
        }
    except (HTTPError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _offer(entry: Any) -> Offer | None:
    """An offer; None for one that is not live, or no entry at all."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("provider"), str):
        return None
    if entry.get("status", "live") != "live":
        return None
    pricing = entry.get("pricing")
    prices = pricing if isinstance(pricing, Mapping) else {}
    context = entry.get("context_length")
    return Offer(
        entry["provider"],
        _number(prices.get("input")),
        _number(prices.get("output")),
        context if isinstance(context, int) and context > 0 else None,
    )


def _number(raw_price: Any) -> float | None:
    is_price = (
        isinstance(raw_price, int | float) and not isinstance(raw_price, bool) and raw_price >= 0
    )
    return float(raw_price) if is_price else None

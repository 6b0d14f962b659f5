"""Prices of a hosted model: those that are typed, else those of the router's catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from elicitation.backends.hub_catalogue import offers, price_of
from elicitation.backends.registry import split_model
from elicitation.commands.options import ElicitOptions


class Priced(NamedTuple):
    """Options with prices, and where these come from.

    Attributes:
        options: the options.
        source: one line on prices of the catalogue; empty where they are typed or unknown.
    """

    options: ElicitOptions
    source: str


def with_prices(model: str, options: ElicitOptions) -> Priced:
    """The options with the catalogue's prices, where none are typed.

    Only `hub:` models that the router serves have such prices. Where it may choose the provider,
    the dearest live one counts, so that `--max-cost` holds whichever it takes.
    """
    scheme, name = split_model(model)
    limits, backend = options.limits, options.backend
    if scheme != "hub" or backend.base_url or limits.prompt_price or limits.completion_price:
        return Priced(options, "")
    catalogue_offers = offers(name)
    chosen = price_of(catalogue_offers, backend.provider)
    if chosen is None:
        return Priced(options, "")
    priced = replace(
        limits,
        prompt_price=chosen.prompt_price or 0.0,
        completion_price=chosen.completion_price or 0.0,
    )
    which = f"provider {chosen.provider}"
    if not backend.provider or backend.provider == "auto":
        providers = ", ".join(offer.provider for offer in catalogue_offers)
        which += f", the dearest of {len(catalogue_offers)}: {providers}"
    source = (
        f"prices: {chosen.prompt_price:g} in, {chosen.completion_price:g} out (US dollars per "
        f"million tokens; router's catalogue, {which})"
    )
    return Priced(replace(options, limits=priced), source)

"""How the command line parts lists and pairs."""

from __future__ import annotations

import pytest

from elicitation.backends.thinking import template_options
from opinion_atlas.app import make_app


def parsed(*arguments: str):
    """The options that `elicit` is called with."""
    words = ["elicit", "mock:steady", "--out", "run", *arguments]
    _, bound, _ = make_app(words[:1]).parse_args(words)
    return bound.arguments["options"]


@pytest.mark.parametrize(
    "given, found",
    [
        (["name=A,family=B"], ("name=A", "family=B")),
        (["name=A", "family=B"], ("name=A", "family=B")),
        (["revision=llama 0.1, Q4_1, sha256 ab"], ("revision=llama 0.1, Q4_1, sha256 ab",)),
        (["notes=a, b, link=https://x/?a=1"], ("notes=a, b", "link=https://x/?a=1")),
    ],
)
def test_values_of_pairs_may_hold_commas(given, found) -> None:
    assert parsed("--meta", *given).meta == found


def test_a_template_option_may_be_a_list() -> None:
    backend = parsed("--template-option", "tools=[1,2],date=2026").backend
    assert template_options(backend) == {"tools": [1, 2], "date": 2026}

"""Pages in a real browser, and where things lie on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


def opened(chromium: Any, timeout: int = 20_000, **options: Any) -> Iterator[Any]:
    """A page of a context with these options, whose scripts must not break; milliseconds of
    patience for each step."""
    context = chromium.new_context(**options)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(timeout)
    yield page
    context.close()
    assert errors == []


def inside(page: Any, selector: str) -> bool:
    """Whether the first match in sight lies wholly inside the viewport."""
    box = page.locator(f"{selector} >> visible=true").first.bounding_box()
    size = page.viewport_size
    return (
        box is not None
        and box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= size["width"]
        and box["y"] + box["height"] <= size["height"]
    )


#: True once nothing on the page fades, slides or waits for an answer: a figure drawn at half
#: its opacity would be measured with the wrong colours.
QUIET = """() => document.fonts.status === 'loaded'
  && document.querySelectorAll('.pending, .generating').length === 0
  && document.getAnimations().every(one => one.playState !== 'running'
       || one.effect.getComputedTiming().endTime === Infinity)"""


def wait_until_quiet(page: Any) -> None:
    """Wait until no part of the page is in transition or waiting for the server."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(QUIET)


def axe_findings(page: Any, **options: Any) -> dict[str, list[str]]:
    """What axe finds serious or critical on a quiet page: rule -> the elements and why.

    Args:
        page: a page of playwright.
        options: handed to axe, for instance ``context={"include": [[".oa"]]}``.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    wait_until_quiet(page)
    found = axe.Axe().run(page, **options)
    return {
        violation["id"]: [
            f"{node['html'][:160]}: {' '.join(node.get('failureSummary', '').split())[:300]}"
            for node in violation["nodes"][:3]
        ]
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    }

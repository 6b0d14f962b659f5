"""Pages in a real browser, and where things lie on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


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

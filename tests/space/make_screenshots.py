"""Pictures of every page, wide, narrow and dark: python tests/space/make_screenshots.py ADDRESS.

Writes into the ignored folder .screenshots. ADDRESS is that of a running board.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

OUT = Path(__file__).resolve().parents[2] / ".screenshots"
PAGES = (
    "",
    "model",
    "country",
    "question",
    "compare",
    "about",
    "advice",
    "submit",
    "run",
    "endpoints",
    "static-board/index.html",
)
LOOKS = (("wide", 1400, 1000, "light"), ("phone", 390, 844, "light"), ("dark", 1400, 1000, "dark"))


def main(address: str) -> None:
    """Take them all; say where a page scrolls sideways."""
    OUT.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-background-networking"],
        )
        for path in PAGES:
            for look, width, height, scheme in LOOKS:
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page.goto(f"{address.rstrip('/')}/{path}?__theme={scheme}")
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(1000)
                name = path.split("/")[0] or "board"
                page.screenshot(path=OUT / f"{name}-{look}.png", full_page=True)
                wide = page.evaluate("document.documentElement.scrollWidth")
                print(f"{name} {look}{' SCROLLS SIDEWAYS' if wide > width else ''}")
                page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860")

"""Take the pictures that stand beside links to the board's pages: python -m tools.share_images.

They are the figures of the static site over the published answers, at the size that sites show
(1200 x 630). Needs Chromium; the pictures are part of the repository.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from contracts.release.read import open_release
from space.board.seed import seed_store
from space.board.store import open_store
from space.board.survey_answers import People
from space.server.static_site import export_board

OUT = Path(__file__).parents[1] / "space" / "assets" / "share"
CHROMIUM = "/usr/bin/chromium"
SIZE = (1200, 630)

#: Name of the picture -> page of the static site.
PAGES = {
    "home": "index.html",
    "model": "rows/published-gpt-4-none-en.html",
    "country": "countries/JPN.html",
    "question": "questions/Q164.html",
}

#: What surrounds the figures is left out, and the board is named.
_TIDY = """() => {
  const main = document.querySelector('main');
  for (const one of [...main.children]) {
    const away = one.querySelector('a[href="../index.html"]');
    if (away || one.matches('.oa-stamp, .oa-tools')) one.remove();
  }
  const name = document.createElement('div');
  name.textContent = 'Opinion Atlas';
  name.style.cssText = 'position:fixed;right:18px;top:14px;font:700 22px system-ui;color:#00548f';
  document.body.append(name);
}"""


def main() -> None:
    """Write all pictures."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = open_store(Path(folder) / "store", create=True)
        seed_store(store, source="reference")
        site = Path(folder) / "site"
        export_board(store, site, people=People(open_release("reference")))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        for name, path in PAGES.items():
            page.goto((site / path).as_uri())
            page.evaluate(_TIDY)
            page.screenshot(path=OUT / f"{name}.png")
            print(OUT / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()

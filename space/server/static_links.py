"""Links between pages of the app, turned into links between files of the static site."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from html import unescape
from urllib.parse import parse_qs

#: Page of the app -> folder of the static site, and the parameter that names a page.
FOLDERS: Mapping[str, tuple[str, str]] = {
    "model": ("rows", "row"),
    "country": ("countries", "country"),
    "question": ("questions", "question"),
}

_LINK = re.compile(
    r'<a\b([^>]*?)\shref="(?:\./)?(model|country|question)\?([^"#]*)(?:#[^"]*)?"([^>]*)>(.*?)</a>',
    re.DOTALL,
)


@lru_cache(maxsize=20_000)
def _target(page: str, query: str) -> tuple[str, str]:
    """Folder and name of the file that a link of the app leads to."""
    params = parse_qs(unescape(query))
    # A row's single answers are not exported: the question's page has everybody's.
    place = "question" if page == "model" and "question" in params else page
    folder, key = FOLDERS[place]
    return folder, params.get(key, [""])[0]


def static_links(html: str, *, pages: Mapping[str, Collection[str]], up: str = "") -> str:
    """HTML of the app with its links leading to files.

    Args:
        html: the app's.
        pages: names that have a file, by folder; a link to any other becomes plain text.
        up: what leads from the file to the site's first page, `` or `../`.
    """

    def turned(match: re.Match[str]) -> str:
        before, page, query, after, content = match.groups()
        folder, name = _target(page, query)
        if name in pages.get(folder, ()):
            return f'<a{before} href="{up}{folder}/{name}.html"{after}>{content}</a>'
        kind = "g" if re.search(r"<(?:path|circle)\b", content) else "span"
        return f"<{kind}{before}{after}>{content}</{kind}>"

    return _LINK.sub(turned, html)

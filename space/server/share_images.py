"""Images and tags by which other sites show a link to a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

from space.board.texts import TITLE
from space.render.text import esc

#: Folder of the images, made by `tools/share_images.py`.
IMAGES = "share"


def share_image(name: str) -> bytes | None:
    """One of the images; None where there is none of that name."""
    if not re.fullmatch(r"[a-z]+", name):
        return None
    path = resources.files("space").joinpath("assets", IMAGES, f"{name}.png")
    return path.read_bytes() if path.is_file() else None


def share_images() -> Iterator[tuple[str, bytes]]:
    """Path and content of every image, as a site holds them."""
    for file in resources.files("space").joinpath("assets", IMAGES).iterdir():
        if file.name.endswith(".png"):
            yield f"{IMAGES}/{file.name}", file.read_bytes()


def share_tags(title: str, description: str, *, image: str, up: str = "") -> str:
    """Description and image of a page of the static site.

    Addresses are relative: where the site will lie is not known when it is written. Readers of
    these tags that want whole addresses take them from the page's own.

    Args:
        title, description: of the page.
        image: name of the image.
        up: what leads from the file to the site's first page.
    """
    address = f"{up}{IMAGES}/{image}.png"
    return "".join(
        f'<meta {kind}="{name}" content="{esc(content)}">'
        for kind, name, content in (
            ("name", "description", description),
            ("property", "og:type", "website"),
            ("property", "og:site_name", TITLE),
            ("property", "og:title", title),
            ("property", "og:description", description),
            ("property", "og:image", address),
            ("name", "twitter:card", "summary_large_image"),
            ("name", "twitter:image", address),
        )
    )

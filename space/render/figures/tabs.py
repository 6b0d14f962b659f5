"""Small parts that several pages are made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from space.render.text import esc


def tabs(group: str, panels: Sequence[tuple[str, str]], *, label: str) -> str:
    """Panels of which one is in sight, chosen by radio buttons: no script is needed.

    Args:
        group: name of the radio buttons, unlike that of other tabs on the page.
        panels: title and content (HTML) of each.
        label: what is chosen.
    """
    group = re.sub(r"[^\w-]", "-", group)
    parts = []
    for place, (title, content) in enumerate(panels):
        name = f"oa-{group}-{place}"
        checked = " checked" if place == 0 else ""
        parts.append(
            f'<input type="radio" name="oa-{group}" id="{name}"{checked}>'
            f'<label for="{name}">{esc(title)}</label>'
            f'<div class="oa-panel">{content}</div>'
        )
    return f'<div class="oa-tabs" role="group" aria-label="{esc(label)}">{"".join(parts)}</div>'

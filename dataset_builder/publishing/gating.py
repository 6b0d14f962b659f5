"""Access conditions of a public repo: the form that readers accept, in the card's front matter.

The Hub shows the form where the setting of the repo asks for it; `extra_gated_*` entries of the
card say what stands in it (https://huggingface.co/docs/hub/datasets-gated).
"""

from __future__ import annotations

from typing import Any

import yaml  # type: ignore[import-untyped]

from dataset_builder.describing.card import front_matter

#: Entries of the front matter.
CONDITIONS: dict[str, Any] = {
    "extra_gated_heading": "Accept the conditions to read these files",
    "extra_gated_prompt": (
        "These are aggregates of the World Values Survey, made under disclosure control. The "
        "survey may be used for non-profit purposes only and must be cited. Trying to identify "
        "respondents is forbidden. Access is granted at once; your name, e-mail address and "
        "answers are shown to the owner of this repo."
    ),
    "extra_gated_fields": {
        "Affiliation": "text",
        "I use these data for non-profit purposes only": "checkbox",
        "I cite the World Values Survey as the dataset card says": "checkbox",
        "I do not try to identify any respondent": "checkbox",
    },
    "extra_gated_button_content": "Accept and get access",
}


def has_conditions(card: str) -> bool:
    """Whether a card's front matter asks for access conditions."""
    return "extra_gated_prompt" in front_matter(card)


def with_conditions(card: str) -> str:
    """The card with our access conditions, unless it has conditions of its own."""
    front = front_matter(card)
    if not front or "extra_gated_prompt" in front:
        return card
    added = yaml.safe_dump(CONDITIONS, sort_keys=False, allow_unicode=True, width=100)
    _, _, rest = card.partition("---\n")
    head, _, body = rest.partition("---\n")
    return f"---\n{head}{added}---\n{body}"

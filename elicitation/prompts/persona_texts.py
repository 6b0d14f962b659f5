"""Other texts that name the country a prompt asks about, in English.

The usual prompt names the country within its task. These put one sentence more before it, so that
what depends on the wording of a persona can be seen (`--vary persona=2`).
"""

from __future__ import annotations

from codebook.wordings.wording import Wording
from elicitation.study.conditions import Target

#: Language of the texts.
LANGUAGE = "en"

#: Sentence by the number of the persona text; 1 adds none.
TEXTS = {
    1: "",
    2: "Imagine that you were born in {country} and have lived there all your life.",
    3: "Take the perspective of the adult population of {country}.",
    4: "The following concerns {country}. Think of how people there see the world.",
}


def persona_text(texts: Wording, target: Target, number: int) -> str:
    """The sentence of a persona text for a target; empty for the usual one, and for nobody."""
    if not target.country or not TEXTS[number]:
        return ""
    return TEXTS[number].format(country=texts.countries[target.country])

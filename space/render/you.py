"""Twenty questions to a visitor as HTML; a script of the page compares the answers."""

from __future__ import annotations

import json

from space.board.figures.you import Item, You, payload
from space.render.text import esc, notice, number

#: Fewest answers that are compared.
FEWEST = 10


def you_html(you: You | None, *, files: bool = False) -> str:
    """The questions, and the box of the result.

    Args:
        you: what a visitor is compared with; None where there is nothing.
        files: whether links lead to files of the static site.
    """
    if you is None:
        return "<h1>You</h1>" + notice("People of this release were asked none of the questions.")
    text = json.dumps(payload(you), ensure_ascii=False, separators=(",", ":"))
    asked = "".join(_question(place, item) for place, item in enumerate(you.items))
    where = ' data-pages="files"' if files else ""
    return (
        f'<section class="oa-you" data-you="{esc(text)}" data-fewest="{FEWEST}"{where}>'
        "<h1>Who answers like you?</h1>"
        f'<p class="oa-lead">{len(you.items)} questions of the World Values Survey. Which '
        "country's people, and which language model, answer like you? It takes two minutes.</p>"
        '<p class="oa-notice oa-notice-info"><b>Nothing is stored or sent.</b> Your answers are '
        "compared in this browser, with figures that came with the page. They are in no cookie and "
        "no address, and are gone when you close or reload the page.</p>"
        '<noscript><p class="oa-notice oa-notice-warn">The comparison is made by a script in your '
        "browser, which is switched off.</p></noscript>"
        f'<div class="oa-you-sides"><div class="oa-you-asked">{asked}</div>'
        '<div class="oa-you-found"><div class="oa-you-result" aria-live="polite">'
        f"<h2>Your result</h2><p data-you-waiting>Answer at least {FEWEST} questions.</p></div>"
        f"{_caveats(you)}</div></div></section>"
    )


def _question(place: int, item: Item) -> str:
    options = "".join(
        f'<label><input type="radio" name="oa-you-{place}" value="{at}"> '
        f"<span>{esc(label)}</span></label>"
        for at, label in enumerate(item.options)
    )
    return (
        f'<fieldset data-question="{esc(item.question_id)}"><legend>{place + 1}. {esc(item.text)}'
        f'</legend><div class="oa-you-options">{options}</div></fieldset>'
    )


def _caveats(you: You) -> str:
    return (
        "<h3>What the number means</h3>"
        "<p>Closeness: draw a resident of the country at random; 1 means the same answer as yours "
        "on every question, 0 the opposite end of every scale. "
        f"Two randomly drawn residents of one country reach {number(you.alike, decimals=2)} with "
        "each other, averaged over countries. A model is compared by the shares of answers that it "
        "gives, as if they were people.</p>"
        "<h3>What it does not mean</h3>"
        "<ul><li>One person is not a country. You are compared with shares of answers: in every "
        "country some people answer as you do, and nothing follows about where you come from or "
        "who you are.</li>"
        f"<li>{len(you.items)} questions are few: the countries marked as not told apart could "
        "change places with other questions.</li>"
        "<li>Countries whose people agree with each other lie nearer to a single answer, or "
        "farther from it, than countries whose people are divided.</li>"
        "<li>The wording is this project's own, not the survey's questionnaire.</li></ul>"
    )

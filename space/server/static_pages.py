"""Pages of the static site beside its first: a row, a country, a question; the app's figures."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from space.board.facts import read_facts
from space.board.figures.you import read_you
from space.board.labels import country_name, question_text, question_title
from space.board.store import Store
from space.board.survey_answers import People
from space.board.texts import TITLE
from space.render.about import about_html
from space.render.closest import closest_html
from space.render.country import average_human, country_head, differences_html
from space.render.frame import header_html, limits_html
from space.render.model import model_html
from space.render.question import question_html
from space.render.text import esc
from space.render.timeline import timeline_html
from space.render.you import you_html
from space.server.share_images import share_tags
from space.server.static_links import static_links

Pages = Mapping[str, Collection[str]]


def static_names(store: Store, people: People | None) -> dict[str, list[str]]:
    """Names of the pages by folder: rows, and with people their countries and the questions
    that a model of the board answered.

    Args:
        store: the store.
        people: the people's answers, if countries and questions are to have pages.
    """
    with store.connect() as db:
        rows = [
            row[0]
            for row in db.execute("SELECT row_id FROM rows WHERE derived = 0 ORDER BY row_id")
        ]
        asked = {row[0] for row in db.execute("SELECT DISTINCT question FROM answers")}
    names_by_folder = {"rows": rows}
    if people is not None:
        wave = people.waves[0]
        names_by_folder["countries"] = list(people.countries(wave))
        names_by_folder["questions"] = sorted(asked & people.questions(wave))
    return names_by_folder


def static_pages(store: Store, people: People | None) -> Iterator[tuple[str, str]]:
    """Path and HTML of every page beside the first."""
    names = static_names(store, people)
    for row_id in names["rows"]:
        yield f"rows/{row_id}.html", row_page(store, row_id, pages=names)
    if people is not None:
        for country in names["countries"]:
            html = country_page(store, people, country, pages=names)
            yield f"countries/{country}.html", html
        for question in names["questions"]:
            html = static_question_page(store, people, question, pages=names)
            yield f"questions/{question}.html", html


def about_page(store: Store, people: People, *, pages: Pages) -> str:
    """Method, scores, maps, data, limits and citations."""
    about = "Method, every score, the maps' fit, data, limits, and how to cite."
    return _page("About", about, about_html(store, people), pages, up="")


def you_page(store: Store, people: People) -> str:
    """Twenty questions to the reader, compared by the page's own script."""
    about = "Twenty survey questions: which country's people and which model answer like you."
    body = you_html(read_you(store, people), files=True)
    return _page("Who answers like you?", about, body, {}, up="", script="you.js")


def row_page(store: Store, row_id: str, *, pages: Pages | None = None) -> str:
    """A row's page: everything known about it but its single answers.

    Raises:
        ContractError: the store has no such row.
    """
    facts = read_facts(store)
    body = f"{header_html(facts)}{model_html(store, row_id)}{limits_html()}"
    about = "A model's answers beside people's: closest and farthest countries, with intervals."
    return _page(row_id, about, body, pages or static_names(store, None), image="model")


def country_page(store: Store, people: People, country: str, *, pages: Pages) -> str:
    """A country's page: how it differs from the world, and which models come closest."""
    wave, name = people.waves[0], country_name(country)
    closest = closest_html(
        store, kind="country", name=country, title=name, other=average_human(store, country)
    )
    differs = differences_html(people, wave=wave, country=country)
    body = (
        f"{country_head(people, wave=wave, country=country, other=None)}"
        f'<div class="oa-pair"><div>{differs}</div><div>{closest}</div></div>'
        f"{timeline_html(people, country=country)}{limits_html()}"
    )
    about = (
        f"How the answers of people in {name} differ from the world's, and the models' from them."
    )
    return _page(name, about, body, pages, image="country")


def static_question_page(store: Store, people: People, question: str, *, pages: Pages) -> str:
    """A question's page: everybody's answers in one picture, and which models come closest."""
    title = question_title(question)
    shown = question_html(store, people, question_id=question, wave=people.waves[0])
    closest = closest_html(store, kind="question", name=question, title=title)
    return _page(
        title, question_text(question), f"{shown}{closest}{limits_html()}", pages, image="question"
    )


def _page(
    title: str,
    about: str,
    body: str,
    pages: Pages,
    *,
    up: str = "../",
    script: str = "figures.js",
    image: str = "home",
) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{esc(title)} - Opinion Atlas</title><link rel="icon" href="data:,">'
        f"{share_tags(f'{title} - {TITLE}', about, image=image, up=up)}"
        f'<link rel="stylesheet" href="{up}board.css">'
        f'<script src="{up}{script}" defer></script>'
        "<script>if (matchMedia('(prefers-color-scheme: dark)').matches)"
        " document.documentElement.classList.add('dark');</script></head>"
        '<body class="oa-static"><main class="oa">'
        f'<p><a href="{up}index.html">Back to the board</a></p>'
        f"{static_links(body, pages=pages, up='../')}</main></body></html>"
    )

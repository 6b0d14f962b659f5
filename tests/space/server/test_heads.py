"""Own title, description and image for every page; links of the app turned into files."""

from __future__ import annotations

import re

import pytest

from contracts.errors import ContractError
from space.board.files.data_files import country_csv, question_csv
from space.board.store import open_store
from space.server.heads import Head, head_of, share_image, with_head
from space.server.static_links import static_links
from space.server.static_site import export_board

PAGE = (
    '<html><head><base href="./" />\n<meta property="og:title" content="Gradio" />'
    '<meta\n property="og:description"\n content=""\n /><script>window.gradio_config = '
    '{"title":"Opinion Atlas"}</script></head><body></body></html>'
)


def test_every_page_has_its_own_title(sample_store) -> None:
    pages = [
        ("", {}), ("model", {"row": "heron-8b"}), ("country", {"country": "JPN"}),
        ("question", {"question": "Q164"}), ("compare", {}), ("advice", {}), ("submit", {}),
        ("run", {}), ("about", {}), ("endpoints", {}), ("receipt", {}), ("model", {}),
        ("country", {}), ("question", {}),
    ]  # fmt: skip
    heads = [head_of(page, params, sample_store) for page, params in pages]
    assert len({head.title for head in heads}) == len(pages)
    assert all(head.description for head in heads)
    assert all(share_image(head.image) for head in heads)
    assert head_of("healthz", {}, sample_store) is None


def test_a_models_head_says_what_its_page_says(sample_store) -> None:
    head = head_of("model", {"row": "heron-8b"}, sample_store)
    score = sample_store.report("heron-8b").score("alignment").value
    assert f"{score.estimate:.3f} ({score.low:.3f} to {score.high:.3f})" in head.description
    assert "closest to" in head.description


def test_names_in_a_head_are_no_markup(sample_store) -> None:
    head = head_of("model", {"row": "sneaky"}, sample_store)
    assert "<b>" in head.title
    html = with_head(PAGE, head, address="http://a/b?x=<", root="http://a/", embedded=False)
    assert "<b>sneaky" not in html.split("<script>")[0]
    closing = Head("</script><script>alert(1)", "x")
    html = with_head(PAGE, closing, address="http://a/", root="http://a/", embedded=False)
    assert "</script><script>alert" not in html


def test_the_frameworks_tags_give_way(sample_store) -> None:
    head = Head("Mine", "About it")
    html = with_head(PAGE, head, address="http://a/", root="http://a/", embedded=False)
    assert re.findall(r'og:title" content="([^"]*)"', html) == ["Mine"]
    assert re.findall(r'og:description" content="([^"]*)"', html) == ["About it"]
    assert '"title":"Mine"' in html
    assert 'content="http://a/share/home.png"' in html
    assert "oa-off-embed" not in html
    framed = with_head(PAGE, head, address="http://a/", root="http://a/", embedded=True)
    assert "oa-off-embed" in framed
    assert 'target="_blank"' in framed


def test_links_lead_to_files_where_there_are_any() -> None:
    pages = {"rows": ["a"], "countries": ["JPN"], "questions": ["Q1"]}
    html = (
        '<a class="x" href="model?row=a">A</a><a href="model?row=b">B</a>'
        '<a href="country?country=JPN&amp;wave=7">J</a>'
        '<a data-tip="t" href="country?country=XXX"><path d=""/></a>'
        '<a href="model?row=a&amp;question=Q1#model-answer">Q</a><a href="https://x">X</a>'
    )
    assert static_links(html, pages=pages, up="../") == (
        '<a class="x" href="../rows/a.html">A</a><span>B</span>'
        '<a href="../countries/JPN.html">J</a>'
        '<g data-tip="t"><path d=""/></g>'
        '<a href="../questions/Q1.html">Q</a><a href="https://x">X</a>'
    )


def test_every_link_of_the_exported_site_leads_somewhere(sample_root, people, tmp_path) -> None:
    site = tmp_path / "site"
    names = export_board(open_store(sample_root), site, people=people)
    assert {"about.html", "countries/JPN.html", "questions/Q164.html", "figures.js"} <= set(names)
    assert {"you.html", "you.js", "share/home.png", "share/country.png"} <= set(names)
    page = (site / "countries/JPN.html").read_text(encoding="utf-8")
    (image,) = re.findall(r'property="og:image" content="([^"]+)"', page)
    assert (site / "countries" / image).resolve().read_bytes() == share_image("country")
    for path in site.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#?]+)"', path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target):
                assert (path.parent / target).resolve().is_file(), (path.name, target)
        assert not re.search(r'href="(?:model|country|question)\?', path.read_text("utf-8"))


def test_unknown_data_files_are_named_with_what_there_is(people, sample_store) -> None:
    with pytest.raises(ContractError, match="there are no answers of this country; found XXX"):
        country_csv(people, "XXX")
    with pytest.raises(ContractError, match="there are no answers to this question"):
        question_csv(sample_store, people, "Q9999")

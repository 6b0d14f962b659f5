"""The Question page shows what an item asks, apart from its wording."""

from codebook.meanings import meaning
from space.render.question import _card_facts


def test_the_card_says_what_is_asked_and_what_the_ends_mean():
    card = meaning("Q106")
    facts = dict(_card_facts(card))
    assert list(facts) == ["What it asks", "First answer", "Last answer", "To note"]
    assert "incentives" in facts["Last answer"]
    assert "&#x27;s far pole" in facts["To note"] or "&#39;s far pole" in facts["To note"]

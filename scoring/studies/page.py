"""The page of a steering table or a trend."""

from __future__ import annotations

from scoring.presentation.html.page import environment
from scoring.studies.text import Study, study_context


def study_page(study: Study) -> str:
    """The whole page of a study as text."""
    style = environment().get_template("style.css.jinja").render()
    template = environment().get_template("study.html.jinja")
    return template.render(style=style, **study_context(study))

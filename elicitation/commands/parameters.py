"""Parameters of the command line that say what is asked: `elicit` and `export` share them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def listed(text: str) -> Parameter:
    """A parameter that takes names separated by commas or spaces; `text` is its help."""
    return Parameter(help=text, consume_multiple=True, negative="")


ReleaseName = Annotated[
    str, Parameter(help="Folder of a release, ORG/NAME@tag on the Hub, or `reference`.")
]
Countries = Annotated[
    tuple[str, ...], listed("ISO3 codes; `all` are those of the release, `none` is nobody.")
]
Groups = Annotated[
    tuple[str, ...],
    listed("Groups within every country: sex=female, or a variable for all of its groups."),
]
Languages = Annotated[
    tuple[str, ...], listed("Languages of the prompts; `own` asks every country in its own.")
]
Forms = Annotated[
    tuple[str, ...],
    listed(
        "Forms of the prompts, each a condition: default, shuffled, reversed-order, "
        "reversed-scale, letters, numbers, examples=N, example-shares=SEED; joined with +."
    ),
]
MaxTokens = Annotated[
    int | None, Parameter(help="Most tokens of a reply; raise it for models that think first.")
]
Seed = Annotated[int, Parameter(help="Seed of everything that is drawn.")]

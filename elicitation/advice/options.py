"""How advice is read beyond its wording: options of `opinion-atlas read`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from contracts.command_line import SECOND_READERS

#: Lead in cosine similarity from which the nearer option counts.
MARGIN = 0.05


@Parameter(name="*", group=SECOND_READERS)
@dataclass(frozen=True, kw_only=True)
class AdviceReading:
    """Second readers of undecided advice, and labels by a person.

    Attributes:
        seed: of the samples that second readers and persons get.
    """

    judge: Annotated[
        str,
        Parameter(
            help="Model (named as in `elicit`) that classifies advice which the word rules leave "
            "undecided, once in each order of the options."
        ),
    ] = ""
    judge_url: Annotated[str, Parameter(help="Server of an openai: judge.")] = ""
    embedder: Annotated[
        str,
        Parameter(
            help="Instead of a judge: embedding model (hf:ORG/NAME or openai:NAME) that assigns "
            "undecided advice to the more similar option."
        ),
    ] = ""
    embedder_url: Annotated[str, Parameter(help="Server of an openai: embedder.")] = ""
    margin: Annotated[
        float,
        Parameter(
            help="Minimum difference of the cosine similarities; below it, advice stays "
            "inconclusive."
        ),
    ] = MARGIN
    judge_sample: Annotated[
        int,
        Parameter(
            help="Number of decided responses that the judge or embedder also classifies, for "
            "Cohen's kappa."
        ),
    ] = 100
    label_sample: Annotated[
        int, Parameter(help="Write this number of responses to a CSV file for manual labelling.")
    ] = 0
    labels: Annotated[
        Path | None,
        Parameter(help="CSV file with the manual labels, for Cohen's kappa with the annotator."),
    ] = None
    seed: Annotated[int, Parameter(parse=False)] = 0


#: The options with all defaults: no second reader.
WORDING_ONLY = AdviceReading()

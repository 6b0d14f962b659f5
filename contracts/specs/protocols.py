"""The protocols, and the kinds of answers that they score."""

from __future__ import annotations

from types import MappingProxyType

from contracts.specs.model import KindSpec, ProtocolSpec

#: Names of the protocols whose tables are read by name.
ALIGNMENT, WORLDVALUESBENCH, JUDGMENTS, PERSONS, ADVICE = (
    "alignment",
    "worldvaluesbench",
    "judgments",
    "persons",
    "advice",
)

#: The protocols, in the order of reports.
PROTOCOLS = (
    ProtocolSpec(
        name="alignment",
        kind="distribution",
        method="verbalized",
        steering=("none", "persona", "few-shot"),
        asked=("alignment", "cultural-map"),
        scored_on="alignment",
        about="asks a model for the whole distribution of answers in a country and compares it "
        "with people's by the Wasserstein distance.",
        scorer="scoring.protocols.score_distributions:alignment_outcome",
        tables="contracts.report_tables.alignment:AlignmentTables",
        detail="space.render.protocols:alignment_detail_html",
        web_methods=("verbalized", "sampling", "sequence", "forced_choice"),
    ),
    ProtocolSpec(
        name="worldvaluesbench",
        kind="rating",
        method="rating",
        steering=("none",),
        asked=("probe",),
        scored_on="worldvaluesbench",
        about="asks for the rating that one described person would give and compares "
        "the ratings of many with theirs, question by question.",
        tables="contracts.report_tables.worldvaluesbench:WorldValuesBenchTables",
        # Ratings are scored on single persons, which the public reference has not: no web form.
    ),
    ProtocolSpec(
        name="judgments",
        kind="distribution",
        method="option_likelihood",
        steering=("persona",),
        asked=("judgments",),
        scored_on="judgments",
        about="takes the likelihood of every answer option and correlates mean scores with "
        "people's over questions, country by country.",
        scorer="scoring.protocols.judgments:judgments_outcome",
        tables="contracts.report_tables.judgments:JudgmentsTables",
        detail="space.render.protocols:judgments_detail_html",
        web_methods=("label_likelihood", "option_likelihood"),
    ),
    ProtocolSpec(
        name="persons",
        kind="persons",
        method="sampling",
        steering=("persona",),
        asked=("batteries",),
        scored_on="alignment",
        about="plays many respondents of a country one by one and compares how their answers hang "
        "together with how people's do, by correlations within batteries of questions.",
        detail="space.render.structure:structure_detail_html",
    ),
    ProtocolSpec(
        name="advice",
        kind="advice",
        method="forced_choice",
        steering=("none",),
        asked=(),
        scored_on="alignment",
        about="asks for advice in a dilemma as a persona or in a language and correlates it with "
        "Hofstede's country scores.",
        tables="contracts.report_tables.advice:AdviceTables",
        detail="space.render.advice:advice_detail_html",
        web_methods=("forced_choice",),
        dilemmas=True,
    ),
)

_NO_SHARES = "it needs answer shares of a population; this file rates for single persons"
_NO_ANSWERS = "it needs answers to the survey's questions; this file holds advice"

#: The kinds of answers.
KINDS = (
    KindSpec(
        name="distribution",
        protocol="alignment",
        scorer="scoring.protocols.score_distributions:score_distributions",
        reasons=MappingProxyType(
            {
                "rating": "it needs one rating per person or sample; this file holds answer shares",
                "persons": "it needs whole persons; this file holds answer shares",
                "advice": "it needs answers to dilemmas; this file holds answer shares",
            }
        ),
        population=True,
    ),
    KindSpec(
        name="rating",
        protocol="worldvaluesbench",
        scorer="scoring.protocols.worldvaluesbench.score_file:score_ratings",
        protected_scorer="scoring.protocols.worldvaluesbench.protected:score_protected",
        reasons=MappingProxyType(
            {
                "distribution": _NO_SHARES,
                "persons": "it needs whole persons; this file holds ratings",
                "advice": "it needs answers to dilemmas; this file holds ratings",
            }
        ),
        scored_on="worldvaluesbench",
        individuals=True,
    ),
    KindSpec(
        name="persons",
        protocol="persons",
        scorer="scoring.protocols.persons:score_persons",
        reasons=MappingProxyType(
            {
                "distribution": "none of the persons' answers is to a question that it scores",
                "rating": "it needs one rating per person or sample of the release; this file "
                "holds synthetic persons",
                "advice": "it needs answers to dilemmas; this file holds persons",
            }
        ),
        headline="structure",
        population=True,
    ),
    KindSpec(
        name="advice",
        protocol="advice",
        scorer="scoring.protocols.advice.score_file:score_advice_file",
        reasons=MappingProxyType(
            {"distribution": _NO_ANSWERS, "rating": _NO_ANSWERS, "persons": _NO_ANSWERS}
        ),
        headline="advice_r",
        survey=False,
        ranked=False,
    ),
)

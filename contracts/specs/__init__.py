"""What there is to ask and to score: protocols, kinds of answers, scores, each declared once.

Elicitation, scoring and the board read these tables, and so need not import each other. Functions
are named by import string (`module:function`) and loaded when they are called.
"""

from __future__ import annotations

from contracts.specs.model import BoardColumn, KindSpec, ProtocolSpec, ScoreSpec, load
from contracts.specs.table import (
    ProtocolName,
    ProtocolOrNone,
    asked_protocols,
    declared,
    kind_spec,
    protocol_names,
    protocol_spec,
    protocol_specs,
    score_spec,
    score_specs,
    score_title,
)

__all__ = [
    "BoardColumn",
    "KindSpec",
    "ProtocolName",
    "ProtocolOrNone",
    "ProtocolSpec",
    "ScoreSpec",
    "asked_protocols",
    "declared",
    "kind_spec",
    "load",
    "protocol_names",
    "protocol_spec",
    "protocol_specs",
    "score_spec",
    "score_specs",
    "score_title",
]

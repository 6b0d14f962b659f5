"""What the World Values Survey asked, and how to say it in words.

The lowest layer of the system: standard library only, no file of a survey, no network.
"""

from codebook.countries import CONTINENTS, Country, countries, country_by_wvs_code
from codebook.meanings import Meaning, meaning, meanings
from codebook.questions import (
    CATEGORIES,
    MEMBERSHIPS,
    MISSING_CODES,
    QUESTION_SETS,
    MissingKind,
    Question,
    Scale,
    question_set,
    questions,
    scales,
    value_questions,
)
from codebook.resources import codebook_digest

__all__ = [
    "CATEGORIES",
    "CONTINENTS",
    "MEMBERSHIPS",
    "MISSING_CODES",
    "QUESTION_SETS",
    "Country",
    "Meaning",
    "MissingKind",
    "Question",
    "Scale",
    "codebook_digest",
    "countries",
    "country_by_wvs_code",
    "meaning",
    "meanings",
    "question_set",
    "questions",
    "scales",
    "value_questions",
]

"""The manifest of a release: where it comes from, what it holds, and what is made up in it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.digests import pretty_json, sha256_text
from contracts.models import Strict, parse_model
from contracts.versions import (
    RELEASE_SCHEMA_VERSION,
    major_version,
)

MANIFEST_NAME = "manifest.json"

CITATION_WAVE7 = (
    "Haerpfer, C., Inglehart, R., Moreno, A., Welzel, C., Kizilova, K., Diez-Medrano, J., "
    "Lagos, M., Norris, P., Ponarin, E. & Puranen, B. et al. (eds.). 2022. World Values Survey: "
    "Round Seven - Country-Pooled Datafile Version 5.0. Madrid, Spain & Vienna, Austria: "
    "JD Systems Institute & WVSA Secretariat. doi:10.14281/18241.20"
)


class SourceFile(Strict):
    """A file that a release was made from."""

    name: str
    sha256: str
    survey: str = Field(description="for instance 'WVS wave 7'")
    survey_version: str = Field(default="", description="as the file itself says, e.g. 5-0-0")
    rows: int = Field(ge=0)
    detected: dict[str, str] = Field(
        default_factory=dict, description="format, separator, headers, direction, ..."
    )


class TableFile(Strict):
    """One Parquet file of a table."""

    path: str
    rows: int = Field(ge=0)
    size: int = Field(ge=0, description="bytes")
    sha256: str


class TableEntry(Strict):
    """A table of the release: its files and the digest of its rows."""

    rows: int = Field(ge=0)
    row_digest: str
    files: list[TableFile]


class SplitRecipe(Strict):
    """How people were put into train, validation and test."""

    recipe: Literal["hash", "worldvaluesbench", "none"]
    fractions: dict[str, float] = Field(default_factory=dict)
    people: dict[str, int] = Field(default_factory=dict)
    key: str = Field(default="", description="key of the hash")
    held_out_questions: list[str] = Field(default_factory=list)
    held_out_countries: list[str] = Field(default_factory=list)


class CodeCount(Strict):
    """A code that the codebook does not list, as found in the source."""

    variable: str
    code: str
    count: int
    country: str = ""
    treatment: Literal["kept", "set missing", "dropped"] = "kept"


class Synthetic(Strict):
    """What is made up in a synthetic source."""

    seed: int | None = None
    generator: str = ""
    borrowed_countries: list[str] = Field(default_factory=list)
    borrowed_columns: list[str] = Field(default_factory=list)
    note: str = ""


class Disclosure(Strict):
    """Disclosure control that a release of aggregates has gone through."""

    applied: bool = False
    rule_version: str = Field(
        default="",
        description="version of the disclosure rule; empty before schema 2.0, whose exact counts "
        "are withdrawn",
    )
    minimum_cell: int = Field(default=0, description="fewest valid answers of a country's cell")
    minimum_group: int = Field(default=0, description="fewest valid answers of a group's cell")
    rounding: int = Field(default=0, description="published counts are multiples of it")
    cells_suppressed: int = 0
    cells_suppressed_secondary: int = 0
    unknown_groups: bool = Field(default=False, description="schema 1.x only")
    note: str = ""


class Manifest(Strict):
    """`manifest.json` of a release."""

    schema_version: str = RELEASE_SCHEMA_VERSION
    kind: Literal["release"] = "release"
    name: str
    release_version: str
    builder_version: str
    public: bool = False
    synthetic: Synthetic | None = None
    waves: list[int]
    sources: list[SourceFile]
    codebook_digest: str
    wording_digests: dict[str, str] = Field(default_factory=dict)
    tables: dict[str, TableEntry]
    counts: dict[str, int] = Field(default_factory=dict)
    split: SplitRecipe
    demographics: Literal["main", "all", "none"] = "main"
    weights: str = "design weight (W_WEIGHT, V258, V259, S017)"
    design_effects: str = Field(
        default="Kish: unequal weights only",
        description="where design effects come from: clusters of the file, published ones, Kish",
    )
    kish_over_n_eff: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="by wave and country: median over questions of Kish's effective sample size "
        "of everyone over n_eff, i.e. the effect of clusters and strata; two decimals",
    )
    unlisted_codes: list[CodeCount] = Field(default_factory=list)
    disclosure: Disclosure = Disclosure()
    notes: list[str] = Field(default_factory=list)
    licence: str = (
        "World Values Survey terms: non-profit use, citation, no redistribution of the data files"
    )
    citations: list[str] = Field(default_factory=lambda: [CITATION_WAVE7])

    @property
    def digest(self) -> str:
        """sha256 of the manifest as written; it names the release in reports."""
        return sha256_text(manifest_text(self))


def manifest_text(manifest: Manifest) -> str:
    """The manifest as the text of `manifest.json`.

    One that was read from an older schema keeps the fields of its file, and so its digest.
    """
    old = major_version(manifest.schema_version) < major_version(RELEASE_SCHEMA_VERSION)
    return pretty_json(manifest.model_dump(mode="json", exclude_unset=old))


def parse_manifest(text: str, *, where: str) -> Manifest:
    """Read the text of a `manifest.json`.

    Raises:
        ContractError: it is no JSON, of another schema version, or has wrong fields.
    """
    return parse_model(Manifest, text, where=where, current=RELEASE_SCHEMA_VERSION)

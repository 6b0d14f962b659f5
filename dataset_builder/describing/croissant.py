"""Croissant metadata of a release: what machines read to find and load its tables."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.digests import pretty_json
from contracts.release.manifest import Manifest
from dataset_builder.describing.card import LICENCE_LINK, title
from dataset_builder.describing.citing import bibtex_entries

CROISSANT_NAME = "croissant.json"

#: The context of Croissant 1.1, as its specification defines it.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


#: What the terms of the survey allow, in terms of the Data Use Ontology.
_USE_RESTRICTIONS = (("DUO:0000018", "not for profit, non commercial use only"),)


def _use_restrictions() -> list[dict[str, Any]]:
    """`usageInfo` of the dataset, each restriction as a defined term."""
    return [
        {
            "@type": "sc:DefinedTerm",
            "termCode": code,
            "name": name,
            "inDefinedTermSet": "http://purl.obolibrary.org/obo/duo.owl",
            "url": f"http://purl.obolibrary.org/obo/{code.replace(':', '_')}",
        }
        for code, name in _USE_RESTRICTIONS
    ]


def _responsible_use(manifest: Manifest) -> dict[str, Any]:
    """Entries of the Croissant RAI extension 1.0: collection, uses, limits, personal data."""
    personal = (
        "None: aggregates under disclosure control."
        if manifest.public
        else "Answers and demographics of single respondents, without names; among them religion, "
        "politics and sexuality. Must not be redistributed."
    )
    if manifest.synthetic is not None:
        personal = "None: the respondents are made up."
    return {
        "rai:dataCollection": "Face-to-face interviews with a probability sample of the adults "
        "of each country; see the survey's documentation of each wave.",
        "rai:dataCollectionType": ["Surveys"],
        "rai:dataCollectionMissingData": "Don't know, no answer, not applicable and not asked "
        "are kept apart; answers that were not given are never imputed.",
        "rai:dataUseCases": "Comparing the answers of language models with those of populations.",
        "rai:dataLimitations": "Standard errors ignore the clustering of interviews where "
        "n_eff_kind is kish. Models are no substitute for respondents.",
        "rai:dataBiases": "Country averages hide differences within a country; coverage of "
        "countries and languages is uneven.",
        "rai:dataSocialImpact": "Closeness to a population is neither approval nor quality; "
        "averages can stereotype.",
        "rai:personalSensitiveInformation": personal,
    }


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return _data_type(kind.value_type)
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    return "sc:Text"


def _field(record_set: str, source: dict[str, Any], column: pa.Field) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column.name}",
        "name": column.name,
        "dataType": _data_type(column.type),
        "source": {**source, "extract": {"column": column.name}},
    }
    if pa.types.is_list(column.type):
        field |= {"isArray": True, "arrayShape": "-1"}
    return field


def _splits(manifest: Manifest) -> dict[str, list[str]]:
    """Files of each record set: a table, or one split of it."""
    paths_by_set: dict[str, list[str]] = {}
    for table, entry in manifest.tables.items():
        for file in entry.files:
            split = PurePosixPath(file.path).name.partition("-")[0]
            name = table if split == "data" else f"{table}-{split}"
            paths_by_set.setdefault(name, []).append(file.path)
    return paths_by_set


def _file_set(name: str, paths: list[str]) -> dict[str, Any]:
    """The files of one split as one set."""
    first = PurePosixPath(paths[0])
    return {
        "@type": "cr:FileSet",
        "@id": f"{name}-files",
        "name": f"{name}-files",
        "containedIn": [{"@id": path} for path in paths],
        "encodingFormat": "application/x-parquet",
        "includes": f"{first.parent}/{first.name.partition('-')[0]}-*.parquet",
    }


def _record_set(root: Path, name: str, paths: list[str]) -> dict[str, Any]:
    schema = pq.read_schema(root / paths[0])
    one = {"fileObject": {"@id": paths[0]}}
    source = one if len(paths) == 1 else {"fileSet": {"@id": f"{name}-files"}}
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [_field(name, source, column) for column in schema],
    }


def croissant_text(manifest: Manifest, root: Path) -> str:
    """JSON-LD of a release whose tables stand under `root`.

    Source: MLCommons Croissant 1.1 with its RAI extension 1.0,
    https://docs.mlcommons.org/croissant/docs/croissant-spec.html
    """
    files = [file for entry in manifest.tables.values() for file in entry.files]
    splits = _splits(manifest)
    sets = [_file_set(name, paths) for name, paths in splits.items() if len(paths) > 1]
    return pretty_json(
        {
            "@context": _CONTEXT,
            "@type": "sc:Dataset",
            "conformsTo": [
                "http://mlcommons.org/croissant/1.1",
                "http://mlcommons.org/croissant/RAI/1.0",
            ],
            "name": manifest.name,
            "description": title(manifest),
            "version": manifest.release_version,
            "license": LICENCE_LINK,
            "usageInfo": _use_restrictions(),
            "inLanguage": list(manifest.wording_digests) or ["en"],
            "citeAs": "\n".join(bibtex_entries(manifest.citations)),
            **_responsible_use(manifest),
            "distribution": [
                {
                    "@type": "cr:FileObject",
                    "@id": file.path,
                    "name": file.path,
                    "contentUrl": file.path,
                    "contentSize": f"{file.size} B",
                    "encodingFormat": "application/x-parquet",
                    "sha256": file.sha256,
                }
                for file in files
            ]
            + sets,
            "recordSet": [_record_set(root, name, paths) for name, paths in splits.items()],
        }
    )

"""Croissant metadata of a release: what machines read to find and load its tables."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.digests import pretty_json
from contracts.release.manifest import Manifest
from dataset_builder.card import LICENCE_LINK, title

CROISSANT_NAME = "croissant.json"

#: The context of Croissant 1.0, as its specification prints it.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
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


def _field(record_set: str, file_id: str, column: pa.Field) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column.name}",
        "name": column.name,
        "dataType": _data_type(column.type),
        "source": {"fileObject": {"@id": file_id}, "extract": {"column": column.name}},
    }
    if pa.types.is_list(column.type):
        field["repeated"] = True
    return field


def _record_set(root: Path, path: str) -> dict[str, Any]:
    place = PurePosixPath(path)
    split = place.name.partition("-")[0]
    name = place.parent.name if split == "data" else f"{place.parent.name}-{split}"
    schema = pq.read_schema(root / path)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [_field(name, path, column) for column in schema],
    }


def croissant_text(manifest: Manifest, root: Path) -> str:
    """JSON-LD of a release whose tables stand under `root`.

    Source: MLCommons Croissant 1.0, https://docs.mlcommons.org/croissant/docs/croissant-spec.html
    """
    files = [file for entry in manifest.tables.values() for file in entry.files]
    return pretty_json(
        {
            "@context": _CONTEXT,
            "@type": "sc:Dataset",
            "conformsTo": "http://mlcommons.org/croissant/1.0",
            "name": manifest.name,
            "description": title(manifest),
            "version": manifest.release_version,
            "license": LICENCE_LINK,
            "citeAs": " ".join(manifest.citations),
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
            ],
            "recordSet": [_record_set(root, file.path) for file in files],
        }
    )

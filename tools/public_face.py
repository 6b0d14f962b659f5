"""The signatures of the public face, as a file that a test compares with.

`python -m tools.public_face` says what has changed since the file was written; with `--write` it
writes the file again, which makes a change deliberate. A name or parameter that goes, a new
required parameter, or another order, default or type of one that was there breaks callers: it
takes a new major version (before 1.0, a new minor one) and a line in CHANGELOG.md.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import opinion_atlas
from contracts.digests import pretty_json

PATH = Path(__file__).resolve().parents[1] / "tests" / "opinion_atlas" / "public_face.json"

Face = dict[str, dict[str, Any]]


def public_face() -> Face:
    """Every public name with its parameters, in order, and what it returns."""
    return {name: _described(getattr(opinion_atlas, name)) for name in opinion_atlas.__all__}


def _described(member: Any) -> dict[str, Any]:
    if not callable(member):
        return {"type": type(member).__name__}
    signature = inspect.signature(member)
    parameters = [
        {
            "name": parameter.name,
            "kind": parameter.kind.description,
            "type": _text(parameter.annotation),
            "default": None if parameter.default is parameter.empty else repr(parameter.default),
        }
        for parameter in signature.parameters.values()
    ]
    return {"parameters": parameters, "returns": _text(signature.return_annotation)}


def _text(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")


def changes(before: Face, now: Face) -> list[str]:
    """What differs, a sentence each; those that break callers begin with `breaks:`."""
    face_changes = [f"breaks: {name} is gone" for name in before if name not in now]
    face_changes += [f"adds: {name}" for name in now if name not in before]
    for name in before:
        if name in now:
            face_changes += [
                _marked(name, change) for change in _differences(before[name], now[name])
            ]
    return face_changes


def _marked(name: str, change: str) -> str:
    mark, _, text = change.partition(" ")
    return f"{mark} {name}: {text}"


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    old = {one["name"]: one for one in before.get("parameters", [])}
    new = {one["name"]: one for one in now.get("parameters", [])}
    differences = [f"breaks: parameter {name} is gone" for name in old if name not in new]
    for name, one in new.items():
        if name not in old:
            needed = one["default"] is None and not one["kind"].startswith("variadic")
            differences.append(f"{'breaks: required' if needed else 'adds:'} parameter {name}")
        elif one != old[name]:
            differences.append(f"breaks: parameter {name} was {old[name]}, is {one}")
    positional = [
        [one["name"] for one in side.values() if one["kind"].startswith("positional")]
        for side in (old, new)
    ]
    if positional[1][: len(positional[0])] != positional[0]:
        differences.append(f"breaks: order {positional[0]} became {positional[1]}")
    if before.get("returns") != now.get("returns") or before.get("type") != now.get("type"):
        differences.append(f"breaks: returns {now.get('returns')}, not {before.get('returns')}")
    return differences


def main(arguments: list[str]) -> int:
    """Print the changes; write the file with `--write`."""
    now = public_face()
    face_changes = (
        changes(json.loads(PATH.read_text(encoding="utf-8")), now) if PATH.exists() else []
    )
    for change in face_changes:
        print(change)
    if "--write" in arguments:
        PATH.write_text(pretty_json(now), encoding="utf-8")
        return 0
    return 1 if face_changes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

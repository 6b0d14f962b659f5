"""The tables of protocols, kinds of answers and scores, and how to look things up in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Annotated, Any

from pydantic_core import PydanticKnownError, core_schema

from contracts.specs.advice_scores import ADVICE_SCORES
from contracts.specs.model import KindSpec, ProtocolSpec, ScoreSpec
from contracts.specs.protocols import KINDS, PROTOCOLS
from contracts.specs.scores import SCORES
from contracts.specs.structure_scores import STRUCTURE_SCORES

_PROTOCOLS: dict[str, ProtocolSpec] = {spec.name: spec for spec in PROTOCOLS}
_KINDS: dict[str, KindSpec] = {spec.name: spec for spec in KINDS}
_SCORES: dict[str, ScoreSpec] = {
    spec.key: spec for spec in (*SCORES, *STRUCTURE_SCORES, *ADVICE_SCORES)
}


def protocol_specs() -> Mapping[str, ProtocolSpec]:
    """Every protocol by name, in the order of reports."""
    return MappingProxyType(_PROTOCOLS)


def protocol_names() -> tuple[str, ...]:
    """Names of the protocols, in the order of reports."""
    return tuple(_PROTOCOLS)


def asked_protocols() -> tuple[str, ...]:
    """Names of the protocols that `elicit` asks."""
    return tuple(name for name, spec in _PROTOCOLS.items() if spec.method)


def protocol_spec(name: str) -> ProtocolSpec:
    """The protocol of a name.

    Raises:
        KeyError: there is none.
    """
    return _PROTOCOLS[name]


def kind_spec(name: str) -> KindSpec:
    """The kind of answers of a name.

    Raises:
        KeyError: there is none.
    """
    return _KINDS[name]


def score_specs() -> Mapping[str, ScoreSpec]:
    """Every score by its name in reports, in the order of reports."""
    return MappingProxyType(_SCORES)


def score_spec(name: str) -> ScoreSpec | None:
    """The score of a name; None for a name that is not declared."""
    return _SCORES.get(name)


def score_title(name: str) -> str:
    """Title of a score; its name in words where it is not declared."""
    spec = _SCORES.get(name)
    return spec.title if spec else name.replace("_", " ")


@contextmanager
def declared(*specs: ProtocolSpec | ScoreSpec) -> Iterator[None]:
    """Further protocols and scores, for as long as the block runs.

    Raises:
        ValueError: one of that name is declared already.
    """
    protocols = {spec.name: spec for spec in specs if isinstance(spec, ProtocolSpec)}
    scores = {spec.key: spec for spec in specs if isinstance(spec, ScoreSpec)}
    taken = sorted((protocols.keys() & _PROTOCOLS.keys()) | (scores.keys() & _SCORES.keys()))
    if taken or len(protocols) + len(scores) < len(specs):
        raise ValueError(f"declared more than once: {', '.join(taken) or 'in the same call'}")
    _PROTOCOLS.update(protocols)
    _SCORES.update(scores)
    try:
        yield
    finally:
        for name in protocols:
            del _PROTOCOLS[name]
        for key in scores:
            del _SCORES[key]


class _Declared:
    """Validates the name of a declared protocol as pydantic validates a literal."""

    def __init__(self, *, blank: bool) -> None:
        self.blank = blank

    def _allowed(self) -> tuple[str, ...]:
        return (*([""] if self.blank else []), *_PROTOCOLS)

    def _check(self, given: Any) -> str:
        allowed = self._allowed()
        if isinstance(given, str) and given in allowed:
            return given
        quoted = [repr(name) for name in allowed]
        raise PydanticKnownError(
            "literal_error", {"expected": f"{', '.join(quoted[:-1])} or {quoted[-1]}"}
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._check, serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"enum": list(self._allowed()), "type": "string"}


#: Name of a declared protocol, as a field of a model.
ProtocolName = Annotated[str, _Declared(blank=False)]

#: The same, or "" for none.
ProtocolOrNone = Annotated[str, _Declared(blank=True)]

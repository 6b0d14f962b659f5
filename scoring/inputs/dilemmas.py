"""The dilemmas that an advice file answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from codebook.countries import HOFSTEDE_DIMENSIONS
from codebook.dilemmas.dilemma import dilemmas
from contracts.digests import canonical_json, sha256_text
from contracts.errors import fail

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


class DilemmaSet(NamedTuple):
    """The set that a file answers: a name for people, and a digest for comparisons."""

    name: str
    digest: str


def dimensions_of(predictions: Predictions) -> dict[str, str]:
    """Dimension by id: of the project's dilemmas, and of those that the file says are its own.

    Raises:
        ContractError: the file names a dimension that there is none of, or takes an id of the
            project's for its own.
    """
    known = {name: one.dimension for name, one in dilemmas().items()}
    own = _dilemma_facts(predictions).get("own", {})
    strange = [name for name in own if name not in HOFSTEDE_DIMENSIONS]
    taken = [name for ids in own.values() for name in ids if name in known]
    if strange or taken:
        raise fail(
            "own-dilemmas",
            "the file's own dilemmas need ids of their own and a dimension that is known",
            where=predictions.name,
            column="extra.dilemmas.own",
            found=", ".join([*strange, *taken][:10]),
            allowed=", ".join(HOFSTEDE_DIMENSIONS),
        )
    return known | {name: dimension for dimension, ids in own.items() for name in ids}


def _dilemma_facts(predictions: Predictions) -> Mapping[str, Any]:
    dilemma_facts = predictions.meta.extra.get("dilemmas", {})
    return dilemma_facts if isinstance(dilemma_facts, Mapping) else {}


def dilemma_set(predictions: Predictions) -> DilemmaSet:
    """Which dilemmas a file answers.

    The name says how many of the project's they are; the digest is that of their English texts
    (of ids and dimensions, and the digest in the file, for dilemmas of a user's own).
    """
    assert predictions.table is not None
    dimensions = dimensions_of(predictions)
    answered = sorted(set(predictions.table.column("prompt_id").to_pylist()) & set(dimensions))
    known = dilemmas()
    ours = [name for name in answered if name in known]
    own = [name for name in answered if name not in known]
    content: list[Any] = [[name, known[name].digest] for name in ours]
    content += [[name, dimensions[name]] for name in own]
    if own:
        content.append(str(_dilemma_facts(predictions).get("digest", "")))
    parts = []
    if ours or not own:
        parts.append(
            "dilemmas" if len(ours) == len(known) else f"dilemmas ({len(ours)} of {len(known)})"
        )
    if own:
        parts.append(f"own dilemmas ({len(own)})")
    return DilemmaSet(" and ".join(parts), sha256_text(canonical_json(content)))

"""Scoring: predictions and a release in, a report out.

`score` makes the report; `scoring.measures` holds the measures as functions of arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scoring.engine import SCORER_VERSION, score

__all__ = ["SCORER_VERSION", "score"]


def __getattr__(name: str) -> Any:
    """Load the engine when it is first used, so that `import scoring` stays light."""
    if name in __all__:
        from scoring import engine

        return getattr(engine, name)
    raise AttributeError(f"module 'scoring' has no attribute {name!r}")

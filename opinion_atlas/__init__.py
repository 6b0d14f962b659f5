"""Opinion Atlas: whose values does a language model reflect?

    from opinion_atlas import open_release, run_study, score

    session = run_study("mock:steady", "run", steer="persona", countries=["DEU", "JPN"])
    report = score(session.files[0].path, open_release("reference"))

The names below are the public face; they are loaded when they are used, so that importing this
package loads no numpy. All other packages are internal, which may change between
minor versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opinion_atlas.version import __version__

if TYPE_CHECKING:
    from contracts.errors import ContractError
    from opinion_atlas.api import (
        build_release,
        open_release,
        read_predictions,
        render_question,
        run_study,
        score,
        write_predictions,
    )

__all__ = [
    "ContractError",
    "__version__",
    "build_release",
    "open_release",
    "read_predictions",
    "render_question",
    "run_study",
    "score",
    "write_predictions",
]

_HOME = {"ContractError": "contracts.errors"}


def __getattr__(name: str) -> Any:
    """Load a name of the public face when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    attribute = getattr(import_module(_HOME.get(name, "opinion_atlas.api")), name)
    globals()[name] = attribute
    return attribute


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

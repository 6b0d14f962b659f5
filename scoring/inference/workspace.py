"""What several scores on the same people have in common, computed once.

Redrawn surveys and the noise of the two contenders (uniform answer, average human) depend on the
people, the questions, the weights, the split, the seed and the number of replicates, and on no
model. A `Workspace` that is handed from one score to the next holds them; without one each score
makes its own. Digits are the same either way: keys hold the state of the random generator, and a
generator is left as if it had drawn.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Workspace:
    """Remembers the latest results of each kind.

    Not for threads: each worker has its own.
    """

    def __init__(self) -> None:
        self._cached: dict[str, OrderedDict[str, Any]] = {}

    def get(self, kind: str, key: str, make: Callable[[], T], *, most: int) -> T:
        """The result `make` gave for this key, made where it is not remembered.

        Args:
            kind: what the result is.
            key: digest of everything it depends on, see `digest`.
            make: makes it.
            most: how many results of the kind are remembered; the oldest go first.
        """
        remembered = self._cached.setdefault(kind, OrderedDict())
        if key not in remembered:
            # Room is made before: two large results never stand side by side.
            while len(remembered) >= most:
                remembered.popitem(last=False)
            remembered[key] = make()
        remembered.move_to_end(key)
        result: T = remembered[key]
        return result


def digest(*parts: object) -> str:
    """SHA-256 of arrays, texts, numbers and states of random generators."""
    whole = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            whole.update(f"{part.dtype}{part.shape}".encode())
            whole.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, np.random.Generator):
            whole.update(json.dumps(part.bit_generator.state, sort_keys=True).encode())
        else:
            whole.update(f"{type(part).__name__}:{part};".encode())
    return whole.hexdigest()

"""Visitors' keys: in this process's memory only, for as long as a run is under way."""

from __future__ import annotations

import threading
from typing import NoReturn


class Key:
    """A key that shows itself to nobody who does not ask for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text.strip()

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Key(...)"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never written anywhere")

    def reveal(self) -> str:
        """The key itself, for the header of a call."""
        return self._text


class KeyRing:
    """Keys by run; a key leaves when its run does."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"KeyRing({len(self)} keys)"

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, run_id: str, key: Key) -> None:
        """Hold a run's key."""
        with self._lock:
            self._keys[run_id] = key

    def get(self, run_id: str) -> Key | None:
        """A run's key, None where there is none (any more)."""
        return self._keys.get(run_id)

    def runs(self) -> list[str]:
        """Runs that a key is held for."""
        with self._lock:
            return list(self._keys)

    def drop(self, run_id: str) -> None:
        """Forget a run's key; a second call does nothing."""
        with self._lock:
            self._keys.pop(run_id, None)

"""Pseudo-random numbers that follow from names and ids alone, for orders that stay the same."""

from __future__ import annotations

from collections.abc import Iterable
from zlib import crc32

import numpy as np
from numpy.typing import NDArray


def mixed(*keys: NDArray[np.integer] | int) -> NDArray[np.uint64]:
    """A 64-bit hash of integers, row by row.

    Args:
        keys: arrays of one length n, or single integers; at least one array.

    Returns:
        uint64, shape (n,), uniform over 0..2^64 - 1.

    Source: the finaliser of SplitMix64 (Steele, Lea & Flood 2014), chained over the keys.
    """
    hashes = np.zeros(1, np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            part = np.asarray(key).astype(np.int64).astype(np.uint64)
            hashes = _finalised(hashes + part + np.uint64(0x9E3779B97F4A7C15))
    return hashes


def _finalised(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def name_keys(names: Iterable[str]) -> NDArray[np.int64]:
    """A number for each name: its CRC-32, the same in every process."""
    return np.array([crc32(name.encode()) for name in names], np.int64)


def uniform(hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Hashes as numbers in [0, 1)."""
    return (hashes >> np.uint64(11)).astype(np.float64) / 2.0**53

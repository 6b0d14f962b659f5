"""The bias that sampling adds to absolute differences, for many millions of them.

With r = |d| / s, E|d + s Z| exceeds |d| by s h(r),

    h(r) = 2 (phi(r) - r Phi(-r)),

which falls to nothing within a few standard errors. Instead of an error function for every number,
h is read from a table of itself and its first two derivatives, -2 Phi(-r) and 2 phi(r), by
Taylor's formula around the nearest entry.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from scoring.inputs.geometry import Floats

#: Standard errors beyond which the excess is below 1e-16 of one, and entries per standard error.
_REACH, _STEPS = 8.0, 2048

_NODES = np.arange(int(_REACH * _STEPS) + 2) / _STEPS
_DENSITY = np.exp(-0.5 * _NODES**2) / np.sqrt(2 * np.pi)
#: h, its first derivative and half its second; the last entry, for all that lies beyond, is 0.
_TABLE = (
    2 * (_DENSITY - _NODES * ndtr(-_NODES)),
    -2 * ndtr(-_NODES),
    _DENSITY.copy(),
)
for _column in _TABLE:
    _column[-1] = 0.0


def folded_excess(size: Floats, se: Floats) -> Floats:
    """E|d + s Z| - |d| for a standard normal Z, shape (..., B).

    Args:
        size: |d|, shape (..., B), finite.
        se: s, shape (...).

    Equal to `scoring.inference.sampling.folded_mean` less |d| within 2e-11 s.
    """
    scale = np.maximum(se, 1e-12)
    excess = np.zeros(size.shape)
    near = size.min(axis=-1) < _REACH * scale
    if not near.any():
        return excess
    ratio = size[near] * (_STEPS / scale[near])[:, None]
    np.minimum(ratio, len(_NODES) - 1, out=ratio)
    place = (ratio + 0.5).astype(np.int32)
    ratio -= place
    ratio *= 1 / _STEPS
    polynomial = _TABLE[2][place]
    polynomial *= ratio
    polynomial += _TABLE[1][place]
    polynomial *= ratio
    polynomial += _TABLE[0][place]
    polynomial *= scale[near][:, None]
    excess[near] = polynomial
    return excess

"""XXH64 of many values of one width at a time, as Spark's `xxhash64` gives it: buckets and checksums that both write.

The algorithm is that of the xxHash specification (0.1.1). Spark hashes several columns by giving the hash of one as the
seed of the next; the first has the seed 42.
"""

from __future__ import annotations

import numpy as np

_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(n)
    for n in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
)
SEED = np.uint64(42)


def xxh64(values: np.ndarray, seed: np.uint64 | np.ndarray = SEED) -> np.ndarray:
    """Hashes (uint64) of the rows of `values` (uint8, two dimensions); `seed`: one for all, or one a row."""
    rows, width = values.shape
    if width % 4:
        raise ValueError(f"values of {width} bytes: only whole words of four are hashed here")
    longs, end = _words(values[:, : width // 8 * 8], "<u8"), _words(values[:, width // 8 * 8 :], "<u4")
    start = np.broadcast_to(np.asarray(seed, dtype=np.uint64), (rows,))
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is meant
        done = width // 32 * 4
        out = _stripes(longs[:, :done], start) if done else start + _P5
        out = out + np.uint64(width)
        for at in range(done, width // 8):
            out = _rotated(out ^ _round(np.uint64(0), longs[:, at]), 27) * _P1 + _P4
        if width % 8:
            out = _rotated(out ^ (end[:, 0].astype(np.uint64) * _P1), 23) * _P2 + _P3
        out = (out ^ (out >> np.uint64(33))) * _P2
        out = (out ^ (out >> np.uint64(29))) * _P3
        return out ^ (out >> np.uint64(32))


def _stripes(longs: np.ndarray, seed: np.ndarray) -> np.ndarray:
    lanes = [seed + _P1 + _P2, seed + _P2, seed + np.uint64(0), seed - _P1]
    for at in range(0, longs.shape[1], 4):
        lanes = [_round(lane, longs[:, at + n]) for n, lane in enumerate(lanes)]
    turned = [_rotated(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)]
    out = turned[0] + turned[1] + turned[2] + turned[3]
    for lane in lanes:
        out = (out ^ _round(np.uint64(0), lane)) * _P1 + _P4
    return out


def _round(lane: np.uint64 | np.ndarray, value: np.ndarray) -> np.ndarray:
    return _rotated(lane + value * _P2, 31) * _P1


def _words(values: np.ndarray, kind: str) -> np.ndarray:
    return np.ascontiguousarray(values).view(kind)


def _rotated(value: np.ndarray, by: int) -> np.ndarray:
    return (value << np.uint64(by)) | (value >> np.uint64(64 - by))

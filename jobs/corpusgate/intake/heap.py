"""How much of its memory a screening process keeps for its next batch."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT, _MAPPED = 256 << 20, 32 << 20


def keep() -> None:
    """Lets this process keep up to 256 MiB that it freed, instead of giving it back to the system.

    A batch's arrays take megabytes each, and are freed before the next batch needs as many. Given back and asked for
    again, the system clears each of their pages anew: an eighth of what screening costs. The peak stays what it was.
    Nothing happens where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _MAPPED)
        mallopt(_TRIM_THRESHOLD, _KEPT)

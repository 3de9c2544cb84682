"""What a gate costs: CPU seconds of its process, parted into figures, imports and judging. A rebuild's gates may cost a
tenth of it beyond imports (issue of the catalogue), so a run says what they did."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import process_time


class Cost:
    """CPU seconds by part, added up; `facts` rounds them for a step's result."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}

    @contextmanager
    def of(self, part: str) -> Generator[None]:
        """Counts what is done inside under this part, also where it raises."""
        began = process_time()
        try:
            yield
        finally:
            self._spent[part] = self._spent.get(part, 0.0) + process_time() - began

    @property
    def facts(self) -> dict[str, float]:
        """CPU seconds of each part, to the hundredth."""
        return {part: round(seconds, 2) for part, seconds in self._spent.items()}

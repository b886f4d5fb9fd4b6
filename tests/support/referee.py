"""Judges answers about money from the outside: what callers know of a limit bounds what the ledger may do.

A grant that was received is held until its return is sent; a request that was sent may be held until its
refusal is received. So what callers hold is at least ``at_least`` and at most ``at_most``, at any instant.
"""

import threading
from dataclasses import dataclass, field


@dataclass
class Referee:
    """One limit, in nano-units, and everybody who asks for some of it. Thread-safe."""

    limit: int
    at_least: int = 0
    at_most: int = 0
    granted: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list[str])
    _peaks: dict[str, int] = field(default_factory=dict[str, int])
    """The most that may have been held while a request was under way."""
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def asks(self, key: str, amount: int) -> None:
        """Call before a request is sent."""
        with self._guard:
            self.at_most += amount
            self._peaks[key] = 0
            for each in self._peaks:
                self._peaks[each] = max(self._peaks[each], self.at_most)

    def is_granted(self, key: str, amount: int) -> None:
        """Call when a grant was received."""
        with self._guard:
            del self._peaks[key]
            self.granted += 1
            self.at_least += amount
            if self.at_least > self.limit:
                self.wrong.append(f"{key}: {self.at_least} is granted of {self.limit}")

    def is_refused(self, key: str, amount: int) -> None:
        """Call when a refusal was received."""
        with self._guard:
            self.refused += 1
            self.at_most -= amount
            if (peak := self._peaks.pop(key)) <= self.limit:
                self.wrong.append(f"{key}: refused, and at most {peak} was asked for of {self.limit}")

    def gives_back(self, amount: int) -> None:
        """Call before what is returned is sent: of a settlement, what it leaves of the hold."""
        with self._guard:
            self.at_least -= amount

    def gave_back(self, amount: int) -> None:
        """Call when that was answered."""
        with self._guard:
            self.at_most -= amount

"""Price sources as they are kept: how each is set up, how its refreshes went, what waits for a person."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pricing.review import Jump
from pricing.sources import Offered, PriceSource

ATTEMPTS_MAX: Final = 20
"""How many refreshes of a source are remembered."""
SOURCES_MAX: Final = 100
"""Sources of one organisation."""
DECIDED_MAX: Final = 500
"""Held prices that are decided in one call."""
BACKOFF_SECONDS: Final = 60
"""When a refresh that failed is tried again; twice as long each time, up to the source's own interval."""


class RefreshOutcome(StrEnum):
    """How a refresh ended."""

    UPDATED = "UPDATED"
    """Its prices were read and compared; what was taken holds."""
    UNCHANGED = "UNCHANGED"
    """There is nothing new."""
    FAILED = "FAILED"
    """Nothing could be read; the last good prices go on."""


class HeldState(StrEnum):
    """What became of a price that was held."""

    HELD = "HELD"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"
    """Its source says something else by now."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One refresh."""

    at_us: int
    outcome: RefreshOutcome
    code: str | None = None
    """Of a failure: TIMEOUT, STATUS, DATA …"""
    message: str | None = None
    accepted: int = 0
    held: int = 0
    kept: int = 0
    left_out: int = 0
    version: str = ""
    content_hash: str = ""
    etag: str | None = None
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source, and how its refreshes went."""

    tenant: str
    source: PriceSource
    author: str
    changed_at_us: int
    attempts: tuple[Attempt, ...] = ()
    """The last one first."""
    failures: int = 0
    """How many failed since one did not."""
    good_at_us: int | None = None
    """When a refresh last did not fail."""
    etag: str | None = None
    content_hash: str | None = None
    """Of the document that was last read to its end."""
    due_at_us: int | None = None
    waiting: int = 0
    """How many of its prices are held."""

    def next_due_us(self, failures: int, now_us: int) -> int | None:
        """When it is refreshed again."""
        every = self.source.every_seconds
        if every is None:
            return None
        seconds = min(every, BACKOFF_SECONDS * 2 ** min(failures - 1, 20)) if failures else every
        return now_us + seconds * 1_000_000


@dataclass(frozen=True, slots=True)
class HeldPrice:
    """A price that waits for approval, or did."""

    held_id: str
    source_id: str
    offered: Offered
    jumps: tuple[Jump, ...]
    state: HeldState
    found_at_us: int
    version: str = ""
    """Of the document that it was found in."""
    decided_by: str | None = None
    decided_at_us: int | None = None
    reason: str | None = None

"""Archives of raw usage: what may go into one, what stays, and the command that makes stubs of usage.

An archived operation leaves a stub: the same usage without what only readers of raw usage need. Its entries
stay, and whatever counts reads them as before: windows, rollups, agreements, idempotency and the checks know
nothing of archives. The whole of it is a line of a file, which is on the disk before the graph is changed.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from ledger.errors import Forbidden, InvalidInput
from ledger.model import Pricing

ARCHIVED_MAX: Final = 1_000
"""Operations of one command."""
RETENTION_DAYS_MIN: Final = 35
"""Nothing younger is archived: a month and its close are over by then."""


class Kept(StrEnum):
    """Why an operation stays as it is."""

    UNPRICED = "UNPRICED"
    """It has no price yet, or an estimated one."""
    STATEMENT = "STATEMENT"
    """It is what an agreement's month was booked as."""
    WAITING = "WAITING"
    """The operation that delegated it is not recorded yet."""
    HELD = "HELD"
    """Its reservation is open: it may go on."""
    BEHIND = "BEHIND"
    """Rollups, or an endpoint of webhooks, have yet to be told of its last entry."""
    CHANGED = "CHANGED"
    """It was charged anew while its file was written."""


@dataclass(frozen=True, slots=True)
class RawUsage:
    """A recorded operation, as far as archiving looks at it."""

    uid: str
    fingerprint: str
    pricing: Pricing
    timestamp_us: int
    seq: int
    """Of its last entry; 0 where it has none."""
    reservation_id: str | None = None
    waits: bool = False
    """For the operation that delegated it."""
    statement: bool = False
    archived: str | None = None
    """The uid of its archive."""

    @property
    def claim(self) -> "Claim":
        """What a file says of it."""
        return Claim(self.uid, self.fingerprint, self.seq)


class Claim(NamedTuple):
    """An operation as a file has it: whatever is charged for it takes a later ``seq``."""

    uid: str
    fingerprint: str
    seq: int


def kept(raw: RawUsage, open_holds: Collection[str], through_seq: int) -> Kept | None:
    """Why an operation stays; None where it may go.

    ``open_holds`` are ids of reservations; ``through_seq`` is where those who follow the sequence are.
    """
    if raw.pricing is not Pricing.PRICED or not raw.seq:
        return Kept.UNPRICED
    if raw.statement:
        return Kept.STATEMENT
    if raw.waits:
        return Kept.WAITING
    if raw.reservation_id in open_holds:
        return Kept.HELD
    return Kept.BEHIND if raw.seq > through_seq else None


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file that is on the disk. Equal rows make an equal file, under the same id."""

    archive_id: str
    """Sorts as the first of its operations does."""
    file: str
    """Its path in the folder of archives."""
    sha256: str
    size_bytes: int
    rows: int
    from_us: int
    until_us: int
    """When its first operation happened, and its last one."""


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """A file that operations were archived in."""

    uid: str
    tenant: str
    file: ArchiveFile
    operations: int
    """How many of its rows are archived by it: what was charged anew meanwhile went into a later one."""
    created_at_us: int


@dataclass(slots=True)
class Step:
    """What became of a stretch of old usage."""

    looked: int = 0
    archived: int = 0
    """In a dry run: how many would be."""
    kept: Counter[Kept] = field(default_factory=Counter[Kept])
    archive: StoredArchive | None = None
    through_us: int | None = None
    """When the last of them happened."""
    after: str | None = None
    """Where to go on; None at the end."""


class ArchiveState(StrEnum):
    """Whether a file is what was archived."""

    OK = "OK"
    MISSING = "MISSING"
    DAMAGED = "DAMAGED"
    """Its hash is another one, or it cannot be read."""
    INCOMPLETE = "INCOMPLETE"
    """It does not hold every operation that is archived by it."""


@dataclass(frozen=True, slots=True)
class ArchiveUsage:
    """Make stubs of operations that a file holds. Answers an ``Archived``.

    What is not any more as the file has it stays as it is, and so does what is archived already.
    """

    tenant: str
    scope_uid: str | None
    file: ArchiveFile
    claims: Sequence[Claim]
    author: str | None = None
    """The id of the key that asks; None where it is done by itself."""

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        check_whole(self.scope_uid)
        if len(self.claims) > ARCHIVED_MAX:
            text = f"{len(self.claims)} operations in one command; at most {ARCHIVED_MAX} are archived"
            raise InvalidInput(text, field="first")


def check_whole(scope_uid: str | None) -> None:
    """Raise ``Forbidden`` for a key that is confined to a budget."""
    if scope_uid is not None:
        raise Forbidden("Archives are the whole organisation's: a confined key archives nothing.")


def check_days(days: int) -> int:
    """Raise ``InvalidInput`` for an age that is too young."""
    if days < RETENTION_DAYS_MIN:
        text = f"usage is archived from an age of {RETENTION_DAYS_MIN} days on, not {days}"
        raise InvalidInput(text, field="older_than_days")
    return days

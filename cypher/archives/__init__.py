"""Archives of raw usage: what goes into one, the stubs that it leaves, who archives, what files there are."""

from typing import Any, TypedDict

from cypher.ledger import Rows
from cypher.query import CypherQuery, NoParams, NoRow


class Uids(TypedDict):
    """Usages to look up."""

    uids: list[str]


class RawRow(TypedDict):
    """A usage's properties, and the number of its last entry."""

    usage: dict[str, Any]
    seq: int


class ContentRow(TypedDict):
    """All properties of a usage and of its entries, these in no order."""

    usage: dict[str, Any]
    entries: list[dict[str, Any]]


class LeaseParams(TypedDict):
    """Who wants to archive a tenant's usage, until when, and up to which instant usage may be archived."""

    tenant: str
    owner: str
    now_us: int
    until_us: int
    horizon_us: int


class OwnerRow(TypedDict):
    """Who has the lease now."""

    owner: str


class ReleaseParams(TypedDict):
    """Who lets go of a tenant's lease."""

    tenant: str
    owner: str


class OneTenant(TypedDict):
    """A tenant's name."""

    tenant: str


class HorizonRow(TypedDict):
    """Usage before that instant may be archived."""

    horizon_us: int


class UidRange(TypedDict):
    """Archives of uids in (after_uid, before_uid), at most ``first``, the last ones first."""

    after_uid: str
    before_uid: str
    first: int


class OneUid(TypedDict):
    """An archive's key."""

    uid: str


class ArchiveRow(TypedDict):
    """An archive's properties."""

    archive: dict[str, Any]


class ClaimedParams(TypedDict):
    """Usages that a file holds, and its archive."""

    uids: list[str]
    archive_uid: str


class ClaimedRow(TypedDict):
    """How many of them are archived there."""

    operations: int


class HealthRow(TypedDict):
    """Of all tenants: how many archives, how many operations in them, and their files."""

    archives: int
    operations: int
    files: list[str]


RAW: CypherQuery[Uids, RawRow] = CypherQuery("archives/raw", Uids, RawRow)
CONTENTS: CypherQuery[Uids, ContentRow] = CypherQuery("archives/contents", Uids, ContentRow)
WRITE: CypherQuery[Rows, NoRow] = CypherQuery("archives/write", Rows, NoRow)
STRIP: CypherQuery[Rows, NoRow] = CypherQuery("archives/strip", Rows, NoRow)

LEASE: CypherQuery[LeaseParams, OwnerRow] = CypherQuery("archives/lease", LeaseParams, OwnerRow)
RELEASE: CypherQuery[ReleaseParams, NoRow] = CypherQuery("archives/release", ReleaseParams, NoRow)
HORIZON: CypherQuery[OneTenant, HorizonRow] = CypherQuery("archives/horizon", OneTenant, HorizonRow)

PAGE: CypherQuery[UidRange, ArchiveRow] = CypherQuery("archives/page", UidRange, ArchiveRow)
GET: CypherQuery[OneUid, ArchiveRow] = CypherQuery("archives/get", OneUid, ArchiveRow)
CLAIMED: CypherQuery[ClaimedParams, ClaimedRow] = CypherQuery("archives/claimed", ClaimedParams, ClaimedRow)
HEALTH: CypherQuery[NoParams, HealthRow] = CypherQuery("archives/health", NoParams, HealthRow)

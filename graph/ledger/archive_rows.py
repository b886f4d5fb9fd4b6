"""Archives in the graph, the stubs that they leave, and where a tenant's usage lies by time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cypher import archives as queries
from graph.database import Transaction
from ledger.archive import ArchiveFile, RawUsage, StoredArchive
from ledger.changes import ArchivedUsage, Changes
from ledger.model import Pricing, id_of, uid_of
from pricing.agreements import AGREEMENT

ARCHIVED: Final = "~"
"""What the keys by time of archived usage begin with, below the tenant's: after every instant. So who walks a
stretch of time meets only raw usage, and who walks all of a tenant's meets both."""


def stretches(tenant: str, begin_us: int, end_us: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """The keys of a tenant's usage in [begin_us, end_us): what is raw, and what is archived."""
    begin, end = f"{begin_us:016d}", f"{end_us:016d}"
    archived = f"{tenant}/{ARCHIVED}"
    return (f"{tenant}/{begin}", f"{tenant}/{end}"), (f"{archived}{begin}", f"{archived}{end}")


def raw_of(usage: Mapping[str, Any], seq: int) -> RawUsage:
    """What archiving looks at, of a TokenUsage node's properties and the number of its last entry."""
    return RawUsage(
        usage["uid"],
        usage["fingerprint"],
        Pricing(usage["pricing"]),
        usage["timestamp_us"],
        seq,
        usage.get("reservation_id"),
        usage.get("awaits_uid") is not None,
        usage["capability_type"] == AGREEMENT and usage["fingerprint"] == AGREEMENT,
        usage.get("archived"),
    )


def read_raw(transaction: Transaction, uids: Sequence[str]) -> list[RawUsage]:
    """Those of the operations that exist and have a cost."""
    return [raw_of(row["usage"], row["seq"]) for row in transaction.run(queries.RAW, {"uids": list(uids)})]


def write(transaction: Transaction, changes: Changes) -> None:
    """Note the archives of one tenant's batch, and make stubs of what they hold."""
    if not changes.archived:
        return
    archives = [
        {
            "uid": uid_of(each.tenant, each.file.archive_id),
            "operations": len(each.usages),
            "properties": _properties(each),
        }
        for each in changes.archived
    ]
    transaction.run_consume(queries.WRITE, {"rows": archives})
    stubs = [
        {
            "uid": usage.uid,
            "archive_uid": uid_of(each.tenant, each.file.archive_id),
            "time_key": f"{each.tenant}/{ARCHIVED}{usage.timestamp_us:016d}/{id_of(usage.uid)}",
        }
        for each in changes.archived
        for usage in each.usages
    ]
    transaction.run_consume(queries.STRIP, {"rows": stubs})


def _properties(archived: ArchivedUsage) -> dict[str, Any]:
    file = archived.file
    return {
        "tenant": archived.tenant,
        "archive_id": file.archive_id,
        "file": file.file,
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "rows": file.rows,
        "from_us": file.from_us,
        "until_us": file.until_us,
        "created_at_us": archived.at_us,
    }


def archive_of(node: Mapping[str, Any]) -> StoredArchive:
    """The archive of a node's properties."""
    file = ArchiveFile(
        node["archive_id"],
        node["file"],
        node["sha256"],
        node["size_bytes"],
        node["rows"],
        node["from_us"],
        node["until_us"],
    )
    return StoredArchive(node["uid"], node["tenant"], file, node["operations"], node["created_at_us"])

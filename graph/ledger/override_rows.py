"""Between overrides and their nodes."""

from collections.abc import Iterable
from typing import Any

from cypher import overrides as queries
from graph.database import Transaction
from ledger.changes import Changes
from ledger.model import Override


def write(transaction: Transaction, changes: Changes) -> None:
    """Write what a batch granted, used and ended."""
    rows = [
        {"uid": each.uid, "budget_uid": each.budget_uid, "properties": _properties(each)}
        for each in changes.overrides.values()
    ]
    if rows:
        transaction.run_consume(queries.WRITE, {"rows": rows})


def read(transaction: Transaction, uids: Iterable[str]) -> dict[str, Override]:
    """Those of the overrides that exist, by uid."""
    found = transaction.run(queries.OVERRIDES, {"uids": list(uids)})
    return {each.uid: each for each in (override_of(row["override"]) for row in found)}


def read_open(transaction: Transaction, tenant: str, now_us: int) -> list[Override]:
    """Those that are neither revoked nor past their end."""
    # A key is tenant/end/id, and 0 is what follows the slash.
    params: queries.KeyRange = {"after": f"{tenant}/{now_us:016d}0", "before": f"{tenant}0"}
    return [override_of(row["override"]) for row in transaction.run(queries.OPEN, params)]


def held_of(transaction: Transaction, uid: str) -> int:
    """What reservations hold, or spent, of an override."""
    (row,) = transaction.run(queries.HELD, {"uid": uid})
    return row["held_nano"]


def _properties(override: Override) -> dict[str, Any]:
    open_key = f"{override.tenant}/{override.until_us:016d}/{override.override_id}"
    return {
        "tenant": override.tenant,
        "override_id": override.override_id,
        "fingerprint": override.fingerprint,
        "budget_uid": override.budget_uid,
        "scope_uid": override.scope_uid,
        "amount_nano": override.amount_nano,
        "used_nano": override.used_nano,
        "reason": override.reason,
        "author": override.author,
        "created_at_us": override.created_at_us,
        "until_us": override.until_us,
        "agent_id": override.agent_id,
        "user_id": override.user_id,
        "first_used_us": override.first_used_us,
        "revoked_at_us": override.revoked_at_us,
        "revoked_by": override.revoked_by,
        "open_key": open_key if override.revoked_at_us is None else None,
        "time_key": time_key(override),
    }


def time_key(override: Override) -> str:
    """Sorts a tenant's overrides by when they were granted."""
    return f"{override.tenant}/{override.created_at_us:016d}/{override.override_id}"


def override_of(node: dict[str, Any]) -> Override:
    """The override of a node's properties."""
    return Override(
        node["uid"],
        node["tenant"],
        node["override_id"],
        node["fingerprint"],
        node["budget_uid"],
        node.get("scope_uid"),
        node["amount_nano"],
        node["reason"],
        node.get("author"),
        node["created_at_us"],
        node["until_us"],
        node.get("agent_id"),
        node.get("user_id"),
        node["used_nano"],
        node.get("first_used_us"),
        node.get("revoked_at_us"),
        node.get("revoked_by"),
    )

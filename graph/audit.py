"""Acts of administration: written with what they do, read by time, the newest first."""

import secrets
import time
from collections.abc import Sequence
from typing import Any

from cypher import audit as queries
from graph.database import Database, Transaction
from ledger.audit import audit_uid, told_as
from ledger.changes import AuditEntry


def act(
    tenant: str,
    author: str | None,
    action: str,
    subject: str,
    budget_uid: str | None,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> AuditEntry:
    """An act that the ledger has no part in, now."""
    at_us = time.time_ns() // 1_000
    return AuditEntry(
        audit_uid(tenant, at_us, secrets.token_hex(8)),
        tenant,
        at_us,
        author,
        action,
        subject,
        budget_uid,
        None if before is None else told_as(before),
        None if after is None else told_as(after),
    )


def write_entries(transaction: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Write entries in the transaction of the acts themselves."""
    if entries:
        rows = [{"uid": each.uid, "properties": _properties(each)} for each in entries]
        transaction.run_consume(queries.WRITE, {"rows": rows})


class AuditLog:
    """Reads of acts. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def page(self, tenant: str, before_uid: str | None, first: int) -> list[AuditEntry]:
        """The next acts of a tenant, the newest first."""
        params: queries.EntryRange = {
            "after_uid": f"{tenant}/",
            "before_uid": f"{tenant}0" if before_uid is None else before_uid,  # "0" comes after "/"
            "first": first,
        }
        return [_entry_of(row["entry"]) for row in self._database.read(queries.PAGE, params)]


def _properties(entry: AuditEntry) -> dict[str, Any]:
    return {
        "tenant": entry.tenant,
        "at_us": entry.at_us,
        "author": entry.author,
        "action": entry.action,
        "subject": entry.subject,
        "budget_uid": entry.budget_uid,
        "before": entry.before,
        "after": entry.after,
    }


def _entry_of(row: dict[str, Any]) -> AuditEntry:
    return AuditEntry(
        row["uid"],
        row["tenant"],
        row["at_us"],
        row.get("author"),
        row["action"],
        row["subject"],
        row.get("budget_uid"),
        row.get("before"),
        row.get("after"),
    )

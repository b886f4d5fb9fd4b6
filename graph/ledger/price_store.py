"""What is said about prices, and what months have used, in the ledger's transactions."""

from collections.abc import Sequence

from cypher import prices as queries
from cypher.ledger import Rows
from cypher.query import CypherQuery, NoRow
from graph.database import Transaction
from graph.ledger import price_rows
from graph.ledger.entry_rows import entry_of
from graph.ledger.price_rows import Properties
from graph.ledger.rows import facts_of
from graph.ledger.usage_rows import request_of
from ledger.changes import Changes, MonthUse
from ledger.model import ChargePath, Pricing
from ledger.reader import Bill
from pricing.prices import Prices
from pricing.units import TokenCounts


def read_said(transaction: Transaction, tenant: str, since_version: int, prices: Prices) -> None:
    """Add to ``prices`` what a tenant said after a version of its ledger."""
    (said,) = transaction.run(queries.SAID, price_rows.since(tenant, since_version))
    price_rows.add_said(prices, said)


def read_months(transaction: Transaction, uids: Sequence[str]) -> dict[str, MonthUse]:
    """Those of the months' uses that exist, by uid."""
    return {
        row["uid"]: MonthUse(row["uid"], TokenCounts._make(row["counts"]), row["quantity_nano"])
        for row in transaction.run(queries.MONTHS, {"uids": list(uids)})
    }


def read_bills(transaction: Transaction, uids: Sequence[str]) -> list[Bill]:
    """Those of the operations that exist, as far as their prices go, each with its entries in order."""
    found: dict[str, list[queries.BillRow]] = {}
    for row in transaction.run(queries.BILLS, {"uids": list(uids)}):
        found.setdefault(row["uid"], []).append(row)
    return [_bill_of(found[uid]) for uid in uids if uid in found]


def _bill_of(rows: "list[queries.BillRow]") -> Bill:
    first = rows[0]
    usage = first["usage"]
    entries = tuple(entry_of(row["entry"]) for row in rows if row["entry"] is not None)
    return Bill(
        first["uid"],
        usage["operation_id"],
        request_of(usage),
        ChargePath(first["path_uid"], usage["tenant"], tuple(first["chain"]), tuple(first["scoped"])),
        facts_of(usage),
        Pricing(usage["pricing"]),
        entries[0].charged_at_us if entries else usage["charged_at_us"],
        entries,
        usage.get("estimated_cost_nano"),
    )


def write_said(transaction: Transaction, changes: Changes) -> None:
    """Write what one tenant's batch says about prices; nodes come before what leads to them."""
    tenant, version = changes.head.tenant, changes.head.version
    cards = [(price_rows.card_uid(tenant, each), each) for each in changes.cards]
    for query, rows in (
        (
            queries.WRITE_CARDS,
            [
                {"uid": uid, "properties": price_rows.card_properties(tenant, each, version)}
                for uid, each in cards
            ],
        ),
        (
            queries.LINK_CONTRACTS,
            [{"uid": uid, "budget_uid": each.budget_uid} for uid, each in cards if each.budget_uid],
        ),
        (
            queries.LINK_REVISIONS,
            [
                {"uid": uid, "before_uid": price_rows.card_uid(tenant, each, each.number - 1)}
                for uid, each in cards
                if each.number > 1
            ],
        ),
        (
            queries.WRITE_SHEETS,
            [
                {
                    "uid": price_rows.sheet_uid(tenant, each),
                    "properties": price_rows.sheet_properties(tenant, each, version),
                }
                for each in changes.rates
            ],
        ),
        (
            queries.WRITE_FILES,
            [
                {
                    "uid": price_rows.file_uid(tenant, each),
                    "properties": price_rows.file_properties(tenant, each, version),
                }
                for each in changes.files
            ],
        ),
        (queries.WRITE_MONTHS, [price_rows.month_properties(each) for each in changes.months.values()]),
    ):
        _write(transaction, query, rows)


def _write(transaction: Transaction, query: "CypherQuery[Rows, NoRow]", rows: list[Properties]) -> None:
    if rows:
        transaction.run_consume(query, {"rows": rows})

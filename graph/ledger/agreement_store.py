"""Agreements, their months and statements, in the ledger's transactions."""

from collections.abc import Iterable, Sequence

from cypher import agreements as queries
from cypher.ledger import SPENT_UNPRICED, Rows
from cypher.query import CypherQuery, NoRow
from graph.database import Transaction
from graph.ledger.agreement_rows import (
    agreement_properties,
    agreement_uid,
    month_of,
    month_properties,
    statement_properties,
)
from graph.ledger.entry_rows import Properties, entry_properties
from graph.ledger.price_rows import version_key
from ledger.changes import AgreementMonth, Changes
from pricing.volume import MonthSums


def read_months(transaction: Transaction, uids: Iterable[str]) -> dict[str, AgreementMonth]:
    """Those of the agreements' months that exist, by uid."""
    found = transaction.run(queries.MONTHS, {"uids": list(uids)})
    return {row["uid"]: month_of(row["month"]) for row in found}


def read_months_of(transaction: Transaction, tenant: str, agreement_id: str) -> list[AgreementMonth]:
    """The months of an agreement that exist."""
    # "A" comes after "@"; an id that holds one may lie in between.
    owner = f"{tenant}/{agreement_id}"
    found = transaction.run(queries.MONTHS_OF, {"from_key": f"{owner}@", "to_key": f"{owner}A"})
    months = (month_of(row["month"]) for row in found)
    return [each for each in months if each.agreement_id == agreement_id]


def read_sums(transaction: Transaction, budget_uid: str, spans: Sequence[tuple[int, int]]) -> list[MonthSums]:
    """What was charged to a budget in each span, statements apart; unpriced usage counts its tokens."""
    found: list[MonthSums] = []
    for start_us, end_us in spans:
        (priced,) = transaction.run(
            queries.CHARGED, {"budget_uid": budget_uid, "start_us": start_us, "end_us": end_us}
        )
        (unpriced,) = transaction.run(
            SPENT_UNPRICED, {"budget_uid": budget_uid, "start_us": start_us, "end_us": end_us}
        )
        tokens = priced["tokens"] + unpriced["tokens"]
        found.append(MonthSums(priced["list_nano"], priced["contracted_nano"], tokens))
    return found


def write(transaction: Transaction, changes: Changes) -> None:
    """Write what one tenant's batch changes of agreements; nodes come before what leads to them."""
    tenant = changes.head.tenant
    key = version_key(tenant, changes.head.version)
    for query, rows in (
        (
            queries.WRITE,
            [
                {
                    "uid": agreement_uid(tenant, each),
                    "budget_uid": each.budget_uid,
                    "properties": agreement_properties(tenant, each, key),
                }
                for each in changes.agreed
            ],
        ),
        (
            queries.LINK_REVISIONS,
            [
                {
                    "uid": agreement_uid(tenant, each),
                    "before_uid": agreement_uid(tenant, each, each.number - 1),
                }
                for each in changes.agreed
                if each.number > 1
            ],
        ),
        (
            queries.WRITE_MONTHS,
            [
                {"uid": each.uid, "properties": month_properties(each)}
                for each in changes.agreement_months.values()
            ],
        ),
        (
            queries.WRITE_STATEMENTS,
            [
                {
                    "uid": each.uid,
                    "month_uid": each.month_uid,
                    "path_uid": each.path.uid,
                    "usage": statement_properties(each),
                    "entry_uid": each.entry.uid,
                    "entry": entry_properties(each.entry, each.path.uid),
                }
                for each in changes.statements
            ],
        ),
    ):
        _write(transaction, query, rows)


def _write(transaction: Transaction, query: "CypherQuery[Rows, NoRow]", rows: list[Properties]) -> None:
    if rows:
        transaction.run_consume(query, {"rows": rows})

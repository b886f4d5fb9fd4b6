"""Between top-ups and the properties of their nodes."""

from collections.abc import Mapping, Sequence
from typing import Any

from cypher import wallets as queries
from graph.database import Transaction
from graph.ledger.entry_rows import Properties, present
from ledger.changes import Changes, Credit
from ledger.model import uid_of


def write(transaction: Transaction, changes: Sequence[Changes]) -> None:
    """Write the top-ups of a batch; their budgets are there."""
    rows = [
        {
            "uid": uid_of(each.tenant, each.top_up_id),
            "budget_uid": each.budget_uid,
            "properties": credit_properties(each),
        }
        for some in changes
        for each in some.credits
    ]
    if rows:
        transaction.run_consume(queries.WRITE, {"rows": rows})


def credit_properties(credit: Credit) -> Properties:
    """What a TopUp node holds beside its uid."""
    return present(
        {
            "tenant": credit.tenant,
            "budget_uid": credit.budget_uid,
            "top_up_id": credit.top_up_id,
            "amount_nano": credit.amount_nano,
            "at_us": credit.at_us,
            "reason": credit.reason,
            "author": credit.author,
            "time_key": credit.time_key,
        }
    )


def credit_of(node: Mapping[str, Any]) -> Credit:
    """The top-up that a node holds."""
    return Credit(
        node["tenant"],
        node["budget_uid"],
        node["top_up_id"],
        node["amount_nano"],
        node["at_us"],
        node.get("reason"),
        node.get("author"),
    )

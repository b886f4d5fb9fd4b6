"""Reading a tenant's ledger beside its commits, and seeing all of each commit.

An engine shows a commit piece by piece: for a moment a reader finds the ledger's new ``seq`` or ``version``
and not yet what came with it (Neo4j fills its indexes last; the embedded engine shows page after page). Who
keeps what it reads would keep the gap. The ledger's lock is free only when the commit before is there whole.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from cypher import ledger as queries
from cypher.ledger import HeadRow, KeySpan, NumbersRow
from cypher.query import CypherQuery
from graph.database import Database, Transaction
from ledger.model import seq_uid

T = TypeVar("T")


def settled_head(database: Database, tenant: str) -> HeadRow | None:
    """The tenant's ledger once all that it counts can be seen. It waits for a commit that is under way.

    A write transaction that changes nothing: for what is asked seldom.
    """
    return next(iter(database.write(queries.SETTLED, {"tenant": tenant})), None)


def whole_stretch(
    database: Database,
    tenant: str,
    after: int,
    through: int,
    read: Callable[[Transaction, KeySpan], tuple[T, int]],
    others: Sequence[CypherQuery[KeySpan, NumbersRow]],
) -> T:
    """What ``read`` finds of the tenant's sequence above ``after`` up to ``through``, without a gap.

    ``read`` also says how many numbers it found; ``others`` count those that it does not look for. Numbers
    are given without gaps, so that what cannot be seen yet is missed.
    """
    span: KeySpan = {"after": seq_uid(tenant, after), "through": seq_uid(tenant, through)}

    def work(transaction: Transaction) -> tuple[T, int]:
        found, numbers = read(transaction, span)
        return found, numbers + sum(transaction.run(other, span)[0]["numbers"] for other in others)

    found, numbers = database.reading(work)
    if numbers == through - after:
        return found
    settled_head(database, tenant)
    # Whatever is still missing now was never written.
    return database.reading(work)[0]

"""Reading a tenant's ledger beside its commits, and seeing all of each commit.

An engine shows a commit piece by piece: for a moment a reader finds the ledger's new ``seq`` or ``version``
and not yet what came with it (Neo4j fills its indexes last; the embedded engine shows page after page). Who
keeps what it reads would keep the gap. The ledger's lock is free only when the commit before is there whole.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from cypher import ledger as queries
from cypher.ledger import HeadRow, KeySpan, NumbersRow
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
    read: Callable[[Transaction, KeySpan], tuple[T, Mapping[str, int]]],
) -> T:
    """What ``read`` finds of the tenant's sequence above ``after`` up to ``through``, without a gap.

    It also tells how many it found of each kind (of ``NumbersRow``) that it reads. Numbers are given without
    gaps, so that what is not there yet is missed.
    """
    span: KeySpan = {"after": seq_uid(tenant, after), "through": seq_uid(tenant, through)}

    def work(transaction: Transaction) -> tuple[T, bool]:
        (there,) = transaction.run(queries.NUMBERS, span)
        found, counts = read(transaction, span)
        return found, _total(there) == through - after and counts.items() <= dict(there).items()

    found, whole = database.reading(work)
    if whole:
        return found
    settled_head(database, tenant)
    # Whatever is still missing now was never written.
    return database.reading(work)[0]


def _total(there: NumbersRow) -> int:
    return there["entries"] + there["unpriced"] + there["events"]

"""Delegations against the operations that name them: each is linked once with its parent, or waits for it."""

from collections.abc import Callable, Collection, Iterator, Sequence

from cypher import check as queries
from graph.database import Database
from graph.ledger import Trees
from ledger.check import Finding

Wrong = dict[str, queries.DelegationRow]


def delegation_findings(
    database: Database,
    suspects: Sequence[str],
    leaves: Collection[str],
    again: Callable[[Callable[[], Wrong]], Wrong],
) -> Iterator[Finding]:
    """Those of some operations that are neither linked with the operation that they name nor wait for it.

    ``again`` looks between two commits, before anything is reported.
    """
    if not suspects:
        return
    wrong = again(lambda: {row["uid"]: row for row in disagreeing(database, suspects)})
    for row in (wrong[uid] for uid in sorted(wrong)):
        if row["budget_id"] in leaves:
            expected = "1 link" if row["recorded"] else f"to wait for {row['parent_operation_id']}"
            name = f"delegation {row['operation_id']}"
            yield Finding(name, row["budget_id"], expected, f"{row['links']} links")


def disagreeing(database: Database, uids: Sequence[str]) -> list[queries.DelegationRow]:
    """Those of some operations, archived or not, whose delegation seems wrong.

    A commit may lie within the query.
    """
    return database.read(queries.DELEGATIONS, {"uids": list(uids)})


def awaited_findings(
    database: Database,
    trees: Trees,
    tenant: str,
    again: Callable[[Callable[[], tuple[int, int]]], tuple[int, int]],
) -> Iterator[Finding]:
    """Whether the ledger knows how many operations wait for the one that delegated them.

    ``again`` is as above.
    """

    def look() -> tuple[int, int]:
        head = trees.head(tenant)
        (row,) = database.read(queries.AWAITING, {"after": f"{tenant}/", "before": f"{tenant}0"})
        return 0 if head is None else head["awaited"], row["waiting"]

    said, waiting = look()
    if said != waiting:
        said, waiting = again(look)
    if said != waiting:
        yield Finding("ledger_awaited", None, f"{waiting} wait", f"{said} wait")

"""The budget trees that readers use: renewed when somebody changed budgets, and only then."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from ledger.model import Meter, Recurrence
from tests.support.desk import Desk, limit


@pytest.fixture
def there(database: Database) -> Generator[Database]:
    """The graph as another process reaches it."""
    with Database(database.connection) as other:
        yield other


def test_a_tenant_without_a_ledger_has_an_empty_tree(database: Database, tenant: str) -> None:
    trees = Trees(database)
    assert (len(trees.get(tenant)), trees.head(tenant)) == (0, None)


def test_trees_are_renewed_when_another_process_changed_budgets(
    database: Database, there: Database, tenant: str
) -> None:
    trees, desk = Trees(database), Desk(GraphLedgerStore(there), tenant)
    desk.create("root", amount_nano=5, recurrence=Recurrence.MONTHLY, limits=(limit(Meter.TOKENS, 9),))
    first = trees.get(tenant)
    assert {each.budget_id for each in first.all()} == {"root", "unattributed"}
    assert first.get(f"{tenant}/root") == desk.create(
        "root", amount_nano=5, recurrence=Recurrence.MONTHLY, limits=(limit(Meter.TOKENS, 9),)
    )
    desk.record("a", 1)
    assert trees.get(tenant) is first, "recording changes no budgets"
    desk.create("leaf")
    moved, closed = desk.move("leaf", "root"), desk.close("root")
    second = trees.get(tenant)
    assert (second.get(moved.uid), second.get(closed.uid)) == (moved, closed)
    assert second.chain(moved.uid) == (moved.uid, closed.uid)
    assert len(first) == 2, "a tree that was handed out never changes"


def test_readers_that_come_together_get_the_tree_of_their_moment(
    database: Database, there: Database, tenant: str
) -> None:
    trees, desk = Trees(database), Desk(GraphLedgerStore(there), tenant)
    desk.create("root")
    with ThreadPoolExecutor(8) as readers:
        for number in range(5):
            created = desk.create(f"child-{number}", "root")
            seen = [each.result() for each in [readers.submit(trees.get, tenant) for _ in range(8)]]
            assert all(tree.get(created.uid) == created for tree in seen)
            assert {len(tree) for tree in seen} == {number + 3}
    assert trees.get("another tenant") is not trees.get(tenant)
    assert len(trees.get("another tenant")) == 0

"""A desk whose store is in memory, so that tests can look into the books."""

from typing import Any

import orjson

from ledger.changes import Event
from ledger.commands import Record
from ledger.model import CostEntry, Window, id_of
from tests.support.desk import NOW_US, Desk
from tests.support.memory import Books, MemoryStore


class BookDesk(Desk):
    """One process's desk; several may share a store."""

    store: MemoryStore

    def __init__(self, store: MemoryStore | None = None, tenant: str = "t", now_us: int = NOW_US) -> None:
        super().__init__(store or MemoryStore(), tenant, now_us)

    @property
    def books(self) -> Books:
        """What is durable."""
        return self.store.books

    def windows(self, budget_id: str, key: str = "amount") -> list[Window]:
        """The stored windows of one of a budget's limits, by start; without those that are gone."""
        limit_uid = f"{self.uid(budget_id)}#{key}"
        found = [
            window
            for window in self.books.windows.values()
            if window.limit_uid == limit_uid and (window.start_us is None or window.start_us != window.end_us)
        ]
        return sorted(found, key=lambda window: window.start_us or 0)

    def window(self, budget_id: str, key: str = "amount") -> Window:
        """The only window of a limit."""
        (found,) = self.windows(budget_id, key)
        return found

    def spent(self, budget_id: str, key: str = "amount") -> int:
        """What the only window of a limit counted, or nothing."""
        return sum(window.spent for window in self.windows(budget_id, key))

    @property
    def events(self) -> list[tuple[str, str]]:
        """Type and budget of every event, in order."""
        return [(event.type, id_of(event.budget_uid)) for event in self.books.events]

    def payer(self, operation_id: str) -> str:
        """The id of the budget that an operation charged directly."""
        return self.books.operations[self.uid(operation_id)].leaf_id

    def entry(self, operation_id: str) -> CostEntry:
        """An operation's entry."""
        entry = self.books.operations[self.uid(operation_id)].entry
        assert entry is not None
        return entry

    def confined(self, scope: str) -> "BookDesk":
        """A desk of the same process for a key that is confined to a budget."""
        other = BookDesk(self.store, self.tenant, self.now_us)
        other.states, other.scope = self.states, scope
        return other

    def rows(self, *rows: dict[str, Any]) -> list[Record]:
        """Several recordings at once."""
        return [self.usage(**row) for row in rows]


def body(event: Event) -> dict[str, Any]:
    """What an event says."""
    return orjson.loads(event.payload)

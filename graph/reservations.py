"""What is read of reservations: single ones, how many are open, and when the next one expires."""

from collections.abc import Iterable, Sequence

from cypher import ledger, reservations
from cypher.query import NoParams
from graph.database import Database, Transaction
from graph.ledger.hold_rows import hold_of
from graph.ledger.notice_rows import read_due
from ledger.holds import Hold
from ledger.quotas import Held
from pricing.calendar import INSTANT_MAX_US


class Reservations:
    """Reads of reservations. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def holds(self, uids: Iterable[str]) -> dict[str, Hold]:
        """Those of the reservations that exist, by uid, as they were last written."""
        rows = self._database.read(ledger.HOLDS, {"uids": list(uids)})
        return {hold.uid: hold for hold in map(hold_of, rows)}

    def open_by_budget(self, tenant: str, now_us: int) -> dict[str, int]:
        """How many reservations hold money on each budget now, by uid; budgets without any are left out.

        It costs as much as there are open ones, however many there ever were.
        """
        after, before = _open(tenant, now_us)
        params: reservations.KeyRange = {"after": after, "before": before}
        counts: dict[str, int] = {}
        for row in self._database.read(reservations.OPEN, params):
            for uid in (*row["chain"], *row["scoped"]):
                counts[uid] = counts.get(uid, 0) + row["reservations"]
        return counts

    def held(self, tenant: str, budget_uid: str, now_us: int, day_us: int, minute_us: int) -> list[Held]:
        """What open reservations hold on a budget now, by thing and user; the day and the minute began then.

        It costs as much as the tenant has open ones.
        """
        after, before = _open(tenant, now_us)
        params: reservations.HeldParams = {
            "after": after,
            "before": before,
            "budget_uid": budget_uid,
            "day_us": day_us,
            "minute_us": minute_us,
        }
        return [Held(**row) for row in self._database.read(reservations.HELD, params)]

    def tenants(self) -> list[str]:
        """Every tenant that has a ledger."""
        return [row["tenant"] for row in self._database.read(reservations.TENANTS, NoParams())]

    def next_due_us(self, tenants: Sequence[str]) -> dict[str, int]:
        """When each tenant is to be swept next; those that have nothing to wait for are left out.

        Then its first open reservation expires, or a budget that held something back has cooled down.
        """

        def first(transaction: Transaction) -> dict[str, int]:
            found: dict[str, int] = {}
            for tenant in tenants:
                params: ledger.ExpiringParams = {
                    "after": f"{tenant}/",
                    "before": f"{tenant}0",
                    "limit": 1,
                }
                due = [row["expires_at_us"] for row in transaction.run(ledger.EXPIRING, params)]
                due += [due_us for _, due_us in read_due(transaction, tenant, INSTANT_MAX_US, 1)]
                if due:
                    found[tenant] = min(due)
            return found

        return self._database.reading(first) if tenants else {}


def _open(tenant: str, now_us: int) -> tuple[str, str]:
    """After and before which keys a tenant's reservations are open and have not expired."""
    # A key is tenant/expiry/id, and 0 is what follows the slash.
    return f"{tenant}/{now_us:016d}0", f"{tenant}0"

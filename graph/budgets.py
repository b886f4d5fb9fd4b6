"""What is read of budgets beside their tree: the windows that hold what was spent."""

from collections.abc import Iterable

from cypher import ledger as queries
from cypher import wallets
from graph.database import Database
from graph.ledger.rows import window_of
from graph.ledger.wallet_rows import credit_of
from ledger.changes import Credit
from ledger.model import Window


class Budgets:
    """Reads of budgets. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def windows(self, uids: Iterable[str]) -> dict[str, Window]:
        """Those of the windows that exist, by uid."""
        rows = self._database.read(queries.WINDOWS, {"uids": list(uids)})
        return {row["uid"]: window_of(row) for row in rows}

    def top_ups(self, budget_uid: str, before: str | None, first: int) -> list[Credit]:
        """The next top-ups of a budget's wallet, the newest first; ``before`` is a ``time_key``."""
        params: wallets.TopUpRange = {
            "budget_uid": budget_uid,
            "before": "9" if before is None else before,
            "first": first,
        }
        return [credit_of(row["top_up"]) for row in self._database.read(wallets.PAGE, params)]

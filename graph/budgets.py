"""What is read of budgets beside their tree: the windows that hold what was spent."""

from collections.abc import Iterable

from cypher import ledger as queries
from graph.database import Database
from graph.ledger.rows import window_of
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

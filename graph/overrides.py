"""What is read of overrides: those of a tenant, the newest first."""

from cypher import overrides as queries
from graph.database import Database
from graph.ledger.override_rows import override_of, time_key
from ledger.model import Override


class Overrides:
    """Reads of overrides. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def page(self, tenant: str, before: str | None, first: int) -> list[tuple[str, Override]]:
        """The next overrides of a tenant, each with its place, the newest first."""
        params: queries.PageParams = {
            "after": f"{tenant}/",
            "before": f"{tenant}0" if before is None else f"{tenant}/{before}",  # "0" comes after "/"
            "first": first,
        }
        found = (override_of(row["override"]) for row in self._database.read(queries.PAGE, params))
        return [(time_key(each).removeprefix(f"{tenant}/"), each) for each in found]

"""Whole graphs: emptied, counted, compared."""

from graph.database import Database

BATCH = 5000


def wipe(database: Database) -> None:
    """Remove every node but the record of migrations."""
    while True:
        rows = database.writing(
            lambda transaction: transaction.run_text(
                "MATCH (n) WHERE NOT n:Migration WITH n LIMIT $batch DETACH DELETE n RETURN count(*) AS gone",
                {"batch": BATCH},
            )
        )
        if rows[0]["gone"] == 0:
            return

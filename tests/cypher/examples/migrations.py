"""Examples of the record of migrations; the schema's own statements run when a test graph is made."""

from cypher import migrations
from cypher.query import NoParams
from tests.cypher.examples import Example

EXAMPLES = (
    Example(migrations.APPLIED, NoParams()),
    Example(
        migrations.RECORD,
        {"version": 2_000_000, "name": "an example", "checksum": "0" * 64, "applied_at_us": 0},
    ),
)

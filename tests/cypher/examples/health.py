"""Examples of what a server says of itself."""

from cypher import health
from cypher.query import NoParams
from tests.cypher.examples import Example
from tests.cypher.examples.ledger import FOUNDED

EXAMPLES = (
    Example(health.FOLD_LAG, NoParams(), (FOUNDED,)),
    Example(health.CLOCKS, NoParams(), (FOUNDED,)),
)

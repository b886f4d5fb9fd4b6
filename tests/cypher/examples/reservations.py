"""Examples of what is read of reservations."""

from cypher import reservations
from cypher.query import NoParams
from tests.cypher.examples import Example
from tests.cypher.examples.ledger import FOUNDED, RECORDED, TENANT

EXAMPLES = (
    Example(reservations.OPEN, {"after": f"{TENANT}/", "before": f"{TENANT}0"}, RECORDED),
    Example(
        reservations.HELD,
        {
            "after": f"{TENANT}/",
            "before": f"{TENANT}0",
            "budget_uid": f"{TENANT}/leaf",
            "day_us": 0,
            "minute_us": 0,
        },
        RECORDED,
    ),
    Example(reservations.TENANTS, NoParams(), (FOUNDED,)),
)

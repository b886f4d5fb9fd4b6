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
            "after": "held/",
            "before": "held0",
            "budget_uid": "held/b",
            "day_us": 0,
            "minute_us": 0,
        },
        (
            """CREATE (:Reservation {expiry_key: 'held/1/k', level_of: 'agents', user_id: 'u', level: 1,
            created_at_us: 1, at_us: 1, cost_nano: 1, tokens: 1, requests: 1})-[:HOLDS]->
            (:ChargePath {chain: ['held/b'], scoped: []})""",
        ),
    ),
    Example(reservations.TENANTS, NoParams(), (FOUNDED,)),
)

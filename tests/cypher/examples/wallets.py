"""Examples of top-ups."""

from cypher import wallets
from tests.cypher.examples import Example

BUDGET = "CREATE (:Budget {uid: 'prepaid/b', tenant: 'prepaid'})"
TOPPED_UP = (
    "CREATE (:Budget {uid: 'prepaid/b', tenant: 'prepaid'})-[:TOPPED_UP]->"
    "(:TopUp {uid: 'prepaid/k', amount_nano: 5, time_key: '0000000000000001/k'})"
)

EXAMPLES = (
    Example(
        wallets.WRITE,
        {
            "rows": [
                {"uid": "prepaid/k", "budget_uid": "prepaid/b", "properties": {"amount_nano": 5, "at_us": 1}}
            ]
        },
        (BUDGET,),
    ),
    Example(wallets.PAGE, {"budget_uid": "prepaid/b", "before": "9", "first": 1}, (TOPPED_UP,)),
    Example(wallets.SUMS, {"tenant": "prepaid"}, (TOPPED_UP,)),
)

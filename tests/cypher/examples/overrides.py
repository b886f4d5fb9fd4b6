"""Examples of overrides."""

from cypher import overrides
from tests.cypher.examples import Example

BUDGET = "CREATE (:Budget {uid: 'overriding/a', tenant: 'overriding'})"
OVERRIDE = (
    "CREATE (:Override {uid: 'overriding/o', tenant: 'overriding', used_nano: 3,"
    " open_key: 'overriding/0000000000000009/o', time_key: 'overriding/0000000000000001/o'})"
)
HELD = "CREATE (:Reservation {uid: 'overriding/r', override_uid: 'overriding/o', override_nano: 3})"

EXAMPLES = (
    Example(
        overrides.WRITE,
        {
            "rows": [
                {
                    "uid": "overriding/p",
                    "budget_uid": "overriding/a",
                    "properties": {"tenant": "overriding", "used_nano": 0},
                }
            ]
        },
        (BUDGET,),
    ),
    Example(overrides.OVERRIDES, {"uids": ["overriding/o", "unknown"]}, (OVERRIDE,)),
    Example(overrides.OPEN, {"after": "overriding/", "before": "overriding0"}, (OVERRIDE,)),
    Example(overrides.PAGE, {"after": "overriding/", "before": "overriding0", "first": 1}, (OVERRIDE,)),
    Example(overrides.HELD, {"uid": "overriding/o"}, (OVERRIDE, HELD)),
)

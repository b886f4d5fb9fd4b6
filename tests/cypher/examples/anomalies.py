"""Examples of costs that are not what was estimated."""

from cypher import anomalies, ledger
from tests.cypher.examples import Example

USAGE = "CREATE (:TokenUsage {uid: 'example-anomalies/op'})"
ROWS: ledger.Rows = {
    "rows": [
        {
            "uid": "example-anomalies/op",
            "properties": {
                "time_key": "example-anomalies/0000000000000007/op",
                "agent_id": "a",
                "charge_path": "example-anomalies/path",
                "severity": "high",
            },
        }
    ]
}
GIVEN = (USAGE, (anomalies.WRITE, ROWS))

EXAMPLES = (
    Example(anomalies.WRITE, ROWS, (USAGE,)),
    Example(
        anomalies.TIMELINE,
        {
            "agent_id": "a",
            "paths": ["example-anomalies/path"],
            "severities": ["high"],
            "from_key": "example-anomalies/",
            "to_key": "example-anomalies0",
            "first": 10,
        },
        GIVEN,
    ),
    Example(
        anomalies.REACH,
        {"from_key": "example-anomalies/", "to_key": "example-anomalies0", "passed": 0},
        GIVEN,
    ),
    Example(anomalies.CLEAR, {"uids": ["example-anomalies/op"]}, GIVEN),
    Example(anomalies.SHOWN, {"uids": ["example-anomalies/op"]}, GIVEN),
)

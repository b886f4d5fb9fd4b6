"""Examples of a tenant's sequence as it is told."""

from cypher import events
from cypher.ledger import KeySpan
from tests.cypher.examples import Example

LEDGER = "CREATE (:Ledger {uid: 'example-events', tenant: 'example-events', seq: 2, version: 1, commits: 3})"
EVENT = (
    "CREATE (:Event {uid: 'example-events/0000000000000002', seq: 2, type: 'budget.warning', "
    "budget_uid: 'example-events/a', at_us: 5, payload: '{}'})"
)
ENTRY = (
    "CREATE (:TokenUsage {uid: 'example-events/op', operation_id: 'op', agent_id: 'a', budget_id: 'b', "
    "timestamp_us: 4})-[:INCURRED]->(:CostEntry {uid: 'example-events/0000000000000001', seq: 1, "
    "recorded_at_us: 5, kind: 'usage', total_cost_nano: 7, currency: 'USD'})"
)
SPAN: KeySpan = {
    "after": "example-events/0000000000000000",
    "through": "example-events/0000000000000002",
}

EXAMPLES = (
    Example(events.HEADS, {"tenants": ["example-events"]}, given=(LEDGER,)),
    Example(events.TOLD, SPAN, given=(EVENT,)),
    Example(events.RECORDED, SPAN, given=(ENTRY,)),
)

"""Examples of delegated operations, read back."""

from cypher import delegation
from tests.cypher.examples import Example

TREE = (
    "CREATE (p:TokenUsage {uid: 'example-delegation/p', operation_id: 'p', agent_id: 'a', session_id: 's', "
    "session_uid: 'example-delegation/s', budget_id: 'b', outcome: 'OK', pricing: 'PRICED', timestamp_us: 5, "
    "prompt_tokens: 2, completion_tokens: 1, agent_key: 'example-delegation/a/0000000000000005/p'}) "
    "CREATE (c:TokenUsage {uid: 'example-delegation/c', operation_id: 'c', agent_id: 'b', budget_id: 'b', "
    "parent_operation_id: 'p', outcome: 'ERROR', pricing: 'UNPRICED', timestamp_us: 6, prompt_tokens: 0, "
    "completion_tokens: 0}) "
    "CREATE (p)-[:DELEGATED]->(c) "
    "CREATE (p)-[:INCURRED]->(:CostEntry {uid: 'example-delegation/0000000000000001', currency: 'USD', "
    "prompt_cost_nano: 3, completion_cost_nano: 2, other_cost_nano: 1})"
)

EXAMPLES = (
    Example(delegation.SESSION, {"session_uid": "example-delegation/s", "most": 10}, given=(TREE,)),
    Example(
        delegation.AGENT,
        {"from_key": "example-delegation/a/", "to_key": "example-delegation/a0", "most": 10},
        given=(TREE,),
    ),
    Example(delegation.BELOW, {"uids": ["example-delegation/p"], "most": 10}, given=(TREE,)),
    Example(delegation.COSTS, {"uids": ["example-delegation/p"]}, given=(TREE,)),
)

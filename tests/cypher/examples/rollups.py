"""Examples of the rollups' queries."""

from typing import Any, LiteralString

from cypher import rollups
from cypher.ledger import KeySpan
from cypher.query import NoParams
from tests.cypher.examples import Example

TENANT = "rollup-example"
FOUNDED = (
    "CREATE (:Ledger {uid: 'rollup-example', tenant: 'rollup-example', seq: 3, version: 1, last_now_us: 5})",
    "CREATE (:Fold {uid: 'rollup-example', folded_seq: 2, first_day: 1, last_day: 2, begun: 2, ended: 1})",
    "MATCH (f:Fold {uid: 'rollup-example'}) SET f.lease_owner = 'me'",
)
_USAGE: LiteralString = """
CREATE (u:TokenUsage {uid: 'rollup-example/op', time_key: 'rollup-example/0000000000000007/op',
  timestamp_us: 7, agent_id: 'a',
  model_id: 'm', provider: 'p', user_id: 'u', capability_type: 'chat', category: 'api_call',
  outcome: 'OK', resource_type: 'LLMTokens', charge_path: 'rollup-example/p', prompt_tokens: 1,
  completion_tokens: 2, units_nano: 3, unpriced_seq: 1, unpriced_key: 'rollup-example/0000000000000001'})
CREATE (u)-[:INCURRED]->(e:CostEntry {uid: 'rollup-example/0000000000000002', seq: 2,
  charge_path: 'rollup-example/p', operations: 0, prompt_tokens: 0, completion_tokens: 0, prompt_cost_nano: 3,
  completion_cost_nano: 4, other_cost_nano: 0, units_nano: 5})
"""
USAGE = (_USAGE,)
STREAM: KeySpan = {
    "after": "rollup-example/0000000000000000",
    "through": "rollup-example/0000000000000002",
}
TIME: rollups.TimeSpan = {
    "begin": "rollup-example/0000000000000000",
    "end": "rollup-example/0000000000000008",
    "through_seq": 2,
}
BUDGET = ("CREATE (:Budget {uid: 'rollup-example/b', tenant: 'rollup-example'})",)
ROLLUP_ROW: dict[str, Any] = {
    "uid": "rollup-example/b@1",
    "budget_uid": "rollup-example/b",
    "properties": {
        "tenant": TENANT,
        "budget_uid": "rollup-example/b",
        "day": 1,
        "total": [1, 2, 3, 4, 5, 6, 7],
        "own": [0, 0, 0, 0, 0, 0, 0],
        "agent": b"0a",
    },
}
ROLLUP = (*BUDGET, (rollups.CREATE_ROLLUPS, {"rows": [ROLLUP_ROW]}))
CELLS_ROW: dict[str, Any] = {
    "uid": "rollup-example/000001/0000000000000002",
    "properties": {"tenant": TENANT, "day": 1, "rows": 1, "slot": b"=\0\0\0\0\0\0\0\0"},
}
CELLS = ((rollups.CREATE_CELLS, {"rows": [CELLS_ROW]}),)
KEYS: rollups.KeysBetween = {"begin": TIME["begin"], "end": TIME["end"]}
SPAN: rollups.KeysBetween = {"begin": "rollup-example/000001/", "end": "rollup-example/000002/"}

EXAMPLES = (
    Example(rollups.HEAD, {"tenant": TENANT}, given=FOUNDED),
    Example(rollups.WATERMARK, {"tenant": TENANT}, given=FOUNDED),
    Example(rollups.BACKLOG, NoParams(), given=FOUNDED),
    Example(rollups.ENTRIES, STREAM, given=USAGE),
    Example(rollups.UNPRICED, STREAM, given=USAGE),
    Example(rollups.ENTRIES_BY_TIME, TIME, given=USAGE),
    *(
        Example(query, KEYS, given=USAGE)
        for query in (rollups.COUNT_BETWEEN, rollups.FIRST_USAGE, rollups.LAST_USAGE)
    ),
    Example(rollups.UNPRICED_BY_TIME, TIME, given=USAGE),
    Example(
        rollups.PATHS,
        {"uids": ["rollup-example/p"]},
        given=("CREATE (:ChargePath {uid: 'rollup-example/p', chain: ['rollup-example/b'], scoped: []})",),
    ),
    Example(rollups.ROLLUPS, {"uids": ["rollup-example/b@1"], "columns": ["agent", "model"]}, given=ROLLUP),
    Example(rollups.CELLS, {**SPAN, "columns": ["slot"]}, given=CELLS),
    Example(rollups.CELLS_BY_UID, {"uids": [CELLS_ROW["uid"]], "columns": ["slot"]}, given=CELLS),
    Example(rollups.SEGMENTS, SPAN, given=CELLS),
    Example(rollups.LEASE, {"tenant": TENANT, "owner": "me", "now_us": 2, "until_us": 3}, given=FOUNDED),
    Example(rollups.RELEASE, {"tenant": TENANT, "owner": "me"}, given=FOUNDED),
    Example(rollups.LOCK, {"tenant": TENANT}, given=FOUNDED),
    Example(rollups.CREATE_ROLLUPS, {"rows": [ROLLUP_ROW]}, given=BUDGET),
    Example(rollups.UPDATE_ROLLUPS, {"rows": [ROLLUP_ROW]}, given=ROLLUP),
    Example(rollups.CREATE_CELLS, {"rows": [CELLS_ROW]}),
    Example(rollups.DELETE_CELLS, {"uids": [CELLS_ROW["uid"]]}, given=CELLS),
    Example(rollups.BEGIN, {"tenant": TENANT}, given=FOUNDED),
    Example(
        rollups.ADVANCE,
        {
            "tenant": TENANT,
            "after_seq": 2,
            "generation": 0,
            "begun": 2,
            "folded_seq": 3,
            "first_day": 1,
            "last_day": 3,
        },
        given=FOUNDED,
    ),
    Example(rollups.BEGIN_DROP, {"tenant": TENANT}, given=FOUNDED),
    Example(rollups.DROP_ROLLUPS, {"tenant": TENANT, "limit": 1}, given=ROLLUP),
    Example(rollups.END_DROP, {"tenant": TENANT}, given=FOUNDED),
)

"""Examples of what ``verify`` reads: on what the ledger wrote, and on a usage whose entry is missing."""

from cypher import check
from tests.cypher.examples import Example
from tests.cypher.examples.ledger import LIMIT, LIMITED, PATHS, PRICED, RECORDED, ROOT, TENANT, UNPRICED

KEYS = (
    "MATCH (u:TokenUsage {uid: 'example-ledger/unpriced'}) SET u.unpriced_key = 'example-ledger/2'",
    "MATCH (u:TokenUsage {uid: 'example-ledger/unpriced'}) SET u.unpriced_seq = 2",
    "MATCH (u:TokenUsage {uid: 'example-ledger/priced'}) SET u.time_key = 'example-ledger/5'",
    "MATCH (e:CostEntry {uid: 'example-ledger/0000000000000001'}) SET e.charge_path = 'example-ledger/path'",
    "MATCH (e:CostEntry {uid: 'example-ledger/0000000000000001'}) SET e.prompt_cost_nano = 20",
    "MATCH (e:CostEntry {uid: 'example-ledger/0000000000000001'}) SET e.completion_cost_nano = 10",
    "MATCH (e:CostEntry {uid: 'example-ledger/0000000000000001'}) SET e.other_cost_nano = 0",
    "MATCH (e:CostEntry {uid: 'example-ledger/0000000000000001'}) SET e.seq = 1",
    "MATCH (e:CostEntry {uid: 'example-ledger/0000000000000001'}) SET e.forced_windows = ['w']",
    "MATCH (e:CostEntry {uid: 'example-ledger/0000000000000001'}) SET e.forced_amounts = [1]",
)
EVENT = "CREATE (:Event {uid: 'example-ledger/0000000000000003', seq: 3})"
LOST = "MATCH (u:TokenUsage {uid: 'example-ledger/priced'})-[i:INCURRED]->() DELETE i"
ORPHAN = """MATCH (u:TokenUsage {uid: 'example-ledger/priced'})
SET u.tenant = 'example-ledger', u.parent_operation_id = 'no'"""
PAGE: check.PageParams = {"after": f"{TENANT}/", "before": f"{TENANT}0", "limit": 10}

SPAN: check.SpanParams = {"budget_uid": ROOT, "start_us": 0, "end_us": 10, "seq": 2}

EXAMPLES = (
    Example(check.SPENT, SPAN, RECORDED),
    Example(check.SPENT_UNPRICED, SPAN, RECORDED),
    Example(check.ENTRIES, PAGE, (*RECORDED, *KEYS)),
    Example(check.UNPRICED, PAGE, (*RECORDED, *KEYS)),
    Example(check.EVENTS, PAGE, (EVENT,)),
    Example(check.USAGES, PAGE, (*RECORDED, *KEYS)),
    Example(check.INCURRED, {"uids": [PRICED, UNPRICED]}, (*RECORDED, LOST)),
    Example(check.DELEGATIONS, {"uids": [PRICED]}, (*RECORDED, ORPHAN)),
    Example(check.AWAITING, {"after": f"{TENANT}/", "before": f"{TENANT}0"}),
    Example(check.WINDOWS, {"limit_uids": [LIMIT]}, LIMITED),
    Example(check.PATHS, {"tenant": TENANT}, (PATHS,)),
)

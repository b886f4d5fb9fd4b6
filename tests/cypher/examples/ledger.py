"""Examples of the ledger's write path: most build on the statements that the path itself writes with."""

from typing import Any

from cypher import ledger
from tests.cypher.examples import Example, Given

TENANT = "example-ledger"
ROOT, LEAF = f"{TENANT}/root", f"{TENANT}/leaf"
LIMIT, WINDOW = f"{LEAF}#COST", f"{LEAF}#COST@lifetime"
AGENT, CHILD = f"{TENANT}/agent", f"{TENANT}/child"
PATH = f"{TENANT}/path"
PRICED, UNPRICED = f"{TENANT}/priced", f"{TENANT}/unpriced"

HEAD: ledger.HeadRow = {
    "tenant": TENANT,
    "seq": 2,
    "version": 1,
    "last_now_us": 7,
    "commits": 1,
    "awaited": 1,
}
FIGURES: dict[str, Any] = {
    "start_us": 0,
    "end_us": 10,
    "spent": 30,
    "reserved": 0,
    "forced": 0,
    "told": [800_000],
    "carried": 0,
    "recovered": [],
}
USAGE: dict[str, Any] = {
    "tenant": TENANT,
    "agent_id": "agent",
    "timestamp_us": 5,
    "prompt_tokens": 2,
    "completion_tokens": 1,
    "total_tokens": 3,
    "category": "api_call",
    "fingerprint": "f",
    "budget_id": "leaf",
    "charge_path": PATH,
    "warnings": "[]",
}
ENTRY: dict[str, Any] = {
    "kind": "usage",
    "total_cost_nano": 30,
    "prompt_tokens": 2,
    "completion_tokens": 1,
    "operations": 1,
    "charged_at_us": 5,
}
CHARGED = {
    "agent_uid": AGENT,
    "path_uid": PATH,
    "rows": [
        {
            "uid": PRICED,
            "entry_uid": f"{TENANT}/{1:016d}",
            "usage": {**USAGE, "operation_id": "priced", "pricing": "PRICED"},
            "entry": ENTRY,
        }
    ],
}


def rows(*each: dict[str, Any]) -> ledger.Rows:
    return {"rows": list(each)}


FOUNDED: Given = (ledger.FOUND_TENANT, {"tenant": TENANT})
BUDGETS: Given = (
    ledger.WRITE_BUDGETS,
    rows(
        *(
            {"uid": uid, "properties": {"uid": uid, "tenant": TENANT, "budget_id": uid, "version": 1}}
            for uid in (ROOT, LEAF)
        )
    ),
)
LIMITS: Given = (
    ledger.WRITE_LIMITS,
    rows({"budget_uid": LEAF, "uid": LIMIT, "properties": {"meter": "COST", "amount": 100}}),
)
WINDOWS: Given = (
    ledger.CREATE_WINDOWS,
    rows({"limit_uid": LIMIT, "uid": WINDOW, "figures": FIGURES}),
)
AGENTS: Given = (
    ledger.WRITE_AGENTS,
    rows(
        *(
            {
                "uid": uid,
                "properties": {
                    "tenant": TENANT,
                    "agent_id": uid,
                    "name": "A",
                    "budget_uid": LEAF,
                    "user_id": "u",
                    "metadata": "{}",
                    "created_at_us": 1,
                },
            }
            for uid in (AGENT, CHILD)
        )
    ),
)
LINEAGE: Given = (ledger.WRITE_LINEAGE, rows({"parent_uid": AGENT, "child_uid": CHILD}))
PATHS: Given = (
    ledger.WRITE_PATHS,
    rows({"uid": PATH, "tenant": TENANT, "chain": [LEAF, ROOT], "scoped": [], "budgets": [LEAF, ROOT]}),
)
HOLD = f"{TENANT}/hold"
RESERVED = {
    "path_uid": PATH,
    "rows": [
        {
            "uid": HOLD,
            "properties": {
                "tenant": TENANT,
                "expiry_key": f"{TENANT}/{9:016d}/hold",
                "expires_at_us": 9,
                "state": "HELD",
            },
        }
    ],
}
BATCH: Given = (
    ledger.WRITE_BATCH,
    {
        "batch": {
            "heads": [HEAD],
            "windows": [],
            "operations": [CHARGED],
            "new_holds": [RESERVED],
            "holds": [],
        }
    },
)
REQUEST = f"{TENANT}/extend/hold/key"
REQUESTED: Given = (
    ledger.WRITE_REQUESTS,
    {"rows": [{"uid": REQUEST, "properties": {"tenant": TENANT, "fingerprint": "f", "answer": "{}"}}]},
)
WITHOUT_PRICE: Given = (
    ledger.WRITE_UNPRICED,
    rows(
        {
            "agent_uid": AGENT,
            "path_uid": PATH,
            "uid": UNPRICED,
            "usage": {**USAGE, "operation_id": "unpriced", "pricing": "UNPRICED"},
        }
    ),
)
ABOVE = f"{TENANT}/above"
AWAITING: Given = (ledger.WRITE_DELEGATIONS, rows({"parent_uid": ABOVE, "child_uid": PRICED}))
ARRIVED = "CREATE (:TokenUsage {uid: 'example-ledger/above'})"
LIMITED = (BUDGETS, LIMITS, WINDOWS)
NOTICED: Given = (
    ledger.WRITE_NOTICES,
    rows(
        {
            "uid": LEAF,
            "properties": {
                "tenant": TENANT,
                "at_us": 1,
                "threshold_ppm": 5,
                "due_us": 9,
                "due_key": f"{TENANT}/9",
            },
        }
    ),
)
PATHED = (FOUNDED, BUDGETS, AGENTS, PATHS)
RECORDED = (*PATHED, BATCH, WITHOUT_PRICE)
SPAN: ledger.BudgetInSpan = {"budget_uid": ROOT, "start_us": 0, "end_us": 10}


def written(step: Given, *given: Given) -> Example[Any]:
    """The example of a statement that other examples also build on."""
    assert not isinstance(step, str)
    query, params = step
    return Example(query, params, given)


EXAMPLES = (
    written(FOUNDED),
    Example(ledger.HEAD, {"tenant": TENANT}, (FOUNDED,)),
    Example(ledger.SETTLED, {"tenant": TENANT}, (FOUNDED,)),
    *(
        Example(query, {"after": f"{TENANT}/0", "through": f"{TENANT}/1"}, RECORDED)
        for query in (ledger.COUNT_ENTRIES, ledger.COUNT_UNPRICED, ledger.COUNT_EVENTS)
    ),
    Example(
        ledger.LOCK,
        {
            "wanted": {
                "tenants": [TENANT],
                "operations": [PRICED, UNPRICED],
                "holds": [HOLD],
                "requests": [REQUEST],
            }
        },
        (*RECORDED, REQUESTED),
    ),
    Example(ledger.HOLDS, {"uids": [HOLD, "unknown"]}, RECORDED),
    Example(ledger.EXPIRING, {"after": f"{TENANT}/", "before": f"{TENANT}0", "limit": 5}, RECORDED),
    Example(ledger.REQUESTS, {"uids": [REQUEST]}, (REQUESTED,)),
    written(NOTICED, BUDGETS),
    Example(ledger.NOTICES, {"uids": [LEAF, "unknown"]}, (BUDGETS, NOTICED)),
    Example(
        ledger.DUE_NOTICES,
        {"after": f"{TENANT}/", "before": f"{TENANT}0", "limit": 5},
        (BUDGETS, NOTICED),
    ),
    Example(ledger.BOOK, {"uid": PRICED}, RECORDED),
    Example(ledger.BOOK, {"uid": UNPRICED}, RECORDED),
    Example(ledger.SPENT_BY_FACTS, SPAN, RECORDED),
    Example(ledger.SPENT_BY_FACTS_UNPRICED, SPAN, RECORDED),
    Example(
        ledger.WRITE_ENTRIES,
        rows(
            {
                "usage_uid": PRICED,
                "path_uid": PATH,
                "uid": f"{TENANT}/{3:016d}",
                "entry": {**ENTRY, "kind": "continuation", "operations": 0},
                "usage": {"total_tokens": 9},
            }
        ),
        RECORDED,
    ),
    written(REQUESTED),
    Example(ledger.OPERATIONS, {"uids": [PRICED, UNPRICED, "unknown"]}, RECORDED),
    Example(ledger.AGENTS, {"uids": [AGENT, CHILD]}, (AGENTS, LINEAGE)),
    Example(ledger.WINDOWS, {"uids": [WINDOW]}, LIMITED),
    Example(ledger.WINDOWS_OF, {"limit_uid": LIMIT, "after_us": 9}, LIMITED),
    Example(ledger.PATHS, {"uids": [PATH]}, (BUDGETS, PATHS)),
    Example(ledger.BUDGETS, {"tenant": TENANT, "since_version": 0}, LIMITED),
    Example(ledger.SPENT, SPAN, RECORDED),
    Example(ledger.SPENT_UNPRICED, SPAN, RECORDED),
    written(BATCH, *PATHED),
    written(BUDGETS),
    Example(ledger.WRITE_BUDGET_PARENTS, rows({"uid": LEAF, "parent_uid": ROOT}), (BUDGETS,)),
    Example(
        ledger.WRITE_RESOURCES,
        rows(
            {
                "uid": LEAF,
                "resource_uid": f"{TENANT}/task/t1",
                "tenant": TENANT,
                "kind": "task",
                "resource_id": "t1",
            }
        ),
        (BUDGETS,),
    ),
    written(AWAITING, *RECORDED),
    Example(ledger.WRITE_DELEGATIONS, rows({"parent_uid": PRICED, "child_uid": UNPRICED}), given=RECORDED),
    Example(ledger.AWAITED, {"uids": [ABOVE]}, (*RECORDED, AWAITING)),
    Example(ledger.WRITE_ARRIVALS, rows({"uid": ABOVE}), (*RECORDED, AWAITING, ARRIVED)),
    written(LIMITS, BUDGETS),
    Example(ledger.DROP_LIMITS, rows({"budget_uid": LEAF, "kept": []}), LIMITED),
    written(AGENTS),
    written(LINEAGE, AGENTS),
    written(PATHS, BUDGETS),
    written(WITHOUT_PRICE, *PATHED),
    written(WINDOWS, BUDGETS, LIMITS),
    Example(
        ledger.WRITE_EVENTS,
        rows({"uid": f"{TENANT}/{2:016d}", "properties": {"tenant": TENANT, "seq": 2, "type": "t"}}),
    ),
)

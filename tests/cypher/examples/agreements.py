"""Examples of agreements, their months and what these were booked as."""

from cypher import agreements, ledger
from tests.cypher.examples import Example

TENANT = "example-agreements"
FIRST, SECOND = f"{TENANT}/deal#1", f"{TENANT}/deal#2"
MONTH = f"{TENANT}/deal@2026-11"
BUDGET = "CREATE (:Budget {uid: 'example-agreements/acme'})"
AGREED: ledger.Rows = {
    "rows": [
        {"uid": uid, "budget_uid": f"{TENANT}/acme", "properties": {"version_key": f"{TENANT}/{5:016d}"}}
        for uid in (FIRST, SECOND)
    ]
}
MONTHS: ledger.Rows = {
    "rows": [
        {
            "uid": MONTH,
            "properties": {
                "tenant": TENANT,
                "agreement_id": "deal",
                "due_key": f"{7:016d}/{MONTH}",
                "list_nano": 7,
            },
        }
    ]
}
PATH = "CREATE (:ChargePath {uid: 'example-agreements/path'})"
STATEMENTS: ledger.Rows = {
    "rows": [
        {
            "uid": f"{TENANT}/agreement/deal/2026-11",
            "month_uid": MONTH,
            "path_uid": f"{TENANT}/path",
            "usage": {"tenant": TENANT},
            "entry_uid": f"{TENANT}/{1:016d}",
            "entry": {"seq": 1},
        }
    ]
}
CHARGED = (
    "CREATE (:Budget {uid: 'example-agreements/web'})<-[:LEADS_TO]-"
    "(p:ChargePath {uid: 'example-agreements/p'}) "
    "CREATE (:CostEntry {uid: 'example-agreements/0000000000000009', charged_at_us: 7, total_cost_nano: 5, "
    "list_cost_nano: 6, price_source: 'catalogue', "
    "prompt_tokens: 2, completion_tokens: 1})-[:CHARGED_TO]->(p)"
)

EXAMPLES = (
    Example(agreements.WRITE, AGREED, (BUDGET,)),
    Example(
        agreements.LINK_REVISIONS,
        {"rows": [{"uid": SECOND, "before_uid": FIRST}]},
        (BUDGET, (agreements.WRITE, AGREED)),
    ),
    Example(agreements.WRITE_MONTHS, MONTHS),
    Example(agreements.WRITE_STATEMENTS, STATEMENTS, (PATH, (agreements.WRITE_MONTHS, MONTHS))),
    Example(agreements.MONTHS, {"uids": [MONTH, "unknown"]}, ((agreements.WRITE_MONTHS, MONTHS),)),
    Example(
        agreements.MONTHS_OF,
        {"from_key": f"{TENANT}/deal@", "to_key": f"{TENANT}/dealA"},
        ((agreements.WRITE_MONTHS, MONTHS),),
    ),
    Example(
        agreements.DUE,
        {"after": f"{6:016d}", "before": f"{8:016d}", "limit": 10},
        ((agreements.WRITE_MONTHS, MONTHS),),
    ),
    Example(agreements.CHARGED, {"budget_uid": f"{TENANT}/web", "start_us": 0, "end_us": 10}, (CHARGED,)),
)

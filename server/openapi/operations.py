"""Each route of the REST part in words: parameters, bodies with examples, answers.

Examples form one story, told in this order by a test on a real server: what each asks is taken, and answers
have the keys that are shown here.
"""

from collections.abc import Mapping
from typing import Any, Final

from insight.rollups import Dimension, Granularity
from ledger.reservations import ExtendInput, ReserveInput, StreamInput
from ledger.usage import UsageInput
from pricing.anomaly import Severity
from pricing.quote import Pricing
from resolvers.estimating import EstimateInput
from server.exports.tables import Format
from server.limits import ROWS_MAX
from server.openapi.balances import BALANCE_OPERATIONS
from server.openapi.parts import INSTANT, TEXT, Answer, Json, Operation, Parameter, words
from server.rest.anomalies import PAGE_MAX
from server.rest.pricing import DAYS_MAX, CompareInput

WARNINGS: Final[list[Any]] = []
USAGE: Final[Json] = {
    "operation_id": "call-1",
    "agent_id": "summarizer",
    "capability_type": "summarize",
    "budget_id": "acme",
    "provider": "openai",
    "model_id": "gpt-4o",
    "prompt_tokens": 1200,
    "completion_tokens": 300,
}
COST_ENTRY: Final[Json] = {
    "total_cost": "0.006",
    "prompt_cost": "0.003",
    "completion_cost": "0.003",
    "other_cost": "0",
    "currency": "USD",
    "charged_at": "2026-11-22T09:00:00Z",
    "price_source": "catalogue",
}
RECORDED: Final[Json] = {
    "status": 201,
    "operation_id": "call-1",
    "duplicate": False,
    "pricing": "PRICED",
    "cost_entry": COST_ENTRY,
    "warnings": WARNINGS,
}
RESERVATION: Final[Json] = {
    "reservation_id": "job-1",
    "state": "HELD",
    "agent_id": "summarizer",
    "budget_id": "acme",
    "amount": "0.008",
    "remaining": "0.008",
    "charged": "0",
    "expires_at": "2026-11-22T09:05:00Z",
    "decision": "ALLOW",
    "delay_ms": 0,
    "duplicate": False,
    "override_id": None,
    "warnings": WARNINGS,
}
RESERVATION_ID: Final = Parameter(
    "reservation_id", "As the answer to the reservation named it.", TEXT, "job-1"
)
BUDGET_ID: Final = Parameter("budget_id", "The budget's id; it may hold slashes.", TEXT, "acme")
TEAM_ID: Final = Parameter("team_id", "What a budget of the type TEAM pays for, else its id.", TEXT, "crew")
ONE_OF_SEVERAL: Final = Parameter("budget_id", "Which one, where several budgets pay for the team.", TEXT)
FROM: Final = Parameter("from", "From this instant on.", INSTANT, "2026-11-01T00:00:00Z")
TO: Final = Parameter("to", "Up to this instant, which is not in it.", INSTANT, "2100-01-01T00:00:00Z")
FORM: Final = Parameter("format", "csv (the default) or jsonl.", words(Format), "csv")
PROVIDER: Final = Parameter("provider", "Such as openai.", TEXT, "openai")
MODEL: Final = Parameter("model", "The model's id; it may hold slashes, colons and @.", TEXT, "gpt-4o")
TABLE: Final = ("text/csv", "application/x-ndjson")
ARCHIVED: Final = "`Costgraph-Archived-Until`: what happened before that may be archived, and is not in it."
PRICE: Final[Json] = {
    "provider": "openai",
    "model_name": "gpt-4o",
    "pricing_model": "token_based",
    "input_price_per_1k": 0.0025,
    "output_price_per_1k": 0.01,
    "max_input_tokens": 111616,
    "max_output_tokens": 16384,
    "effective_date": None,
    "last_updated": None,
    "currency": "USD",
    "price_per_request": None,
    "price_per_character": None,
    "price_per_second": None,
}

OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("POST", "/v1/usage"): Operation(
        "usage",
        f"Record what an operation used, or up to {ROWS_MAX:,} operations. An operation id is charged once, "
        "for ever: the same content again gets the first answer.",
        {
            201: Answer("Recorded.", RECORDED),
            200: Answer("The same again; or an array, each row with a status of its own in `results`."),
        },
        body=UsageInput,
        example=USAGE,
        many=True,
        problems=(409, 422),
    ),
    ("POST", "/v1/reservations"): Operation(
        "reservations",
        "Hold an upper bound on every budget of the charge path, or nothing at all.",
        {201: Answer("Held.", RESERVATION), 200: Answer("The same again, or a dry run.")},
        body=ReserveInput,
        example={
            "idempotency_key": "job-1",
            "agent_id": "summarizer",
            "budget_id": "acme",
            "provider": "openai",
            "model_id": "gpt-4o",
            "prompt_tokens": 1200,
            "max_completion_tokens": 500,
        },
        problems=(402, 404, 409, 422, 429),
    ),
    ("GET", "/v1/reservations/{reservation_id}"): Operation(
        "reservations",
        "A reservation as it is now.",
        {200: Answer("It.", RESERVATION)},
        path=(RESERVATION_ID,),
        problems=(404,),
    ),
    ("POST", "/v1/reservations/{reservation_id}/extend"): Operation(
        "reservations",
        "Hold for longer, perhaps more. Past the end of a window it is a new admission.",
        {200: Answer("Extended.", RESERVATION)},
        path=(RESERVATION_ID,),
        body=ExtendInput,
        example={"idempotency_key": "job-1-longer", "ttl_seconds": 600},
        problems=(402, 404, 409, 422, 429),
    ),
    ("POST", "/v1/reservations/{reservation_id}/stream"): Operation(
        "reservations",
        "Bill a stream as it flows, and ask whether to go on (ALLOW, WARN), slow down (THROTTLE), or stop "
        "(DENY). `usage`, by the provider's word, replaces the count and is the end.",
        {
            200: Answer(
                "Billed, or only asked.",
                {
                    "reservation": RESERVATION,
                    "operation_id": "stream/job-1",
                    "total_tokens": 100,
                    "charged": "0.004",
                    "remaining": "0.004",
                    "overrun": "0",
                    "decision": "ALLOW",
                    "delay_ms": 0,
                    "duplicate": False,
                    "late": False,
                    "pricing": "PRICED",
                    "processing_time_ms": 850,
                    "warnings": WARNINGS,
                },
            )
        },
        path=(RESERVATION_ID,),
        body=StreamInput,
        example={"model": "gpt-4o", "provider": "openai", "total_tokens": 100, "processing_time_ms": 850},
        problems=(404, 409, 422),
    ),
    ("POST", "/v1/reservations/{reservation_id}/settle"): Operation(
        "reservations",
        "Charge usage to what is held; the last settlement gives the rest back.",
        {
            200: Answer(
                "Settled, each usage with a status of its own.",
                {
                    "reservation": RESERVATION,
                    "results": [RECORDED],
                    "charged": "0.006",
                    "overrun": "0",
                    "late": False,
                    "decision": "ALLOW",
                    "delay_ms": 0,
                    "warnings": WARNINGS,
                },
            )
        },
        path=(RESERVATION_ID,),
        body={
            "type": "object",
            "additionalProperties": False,
            "required": ["usages"],
            "properties": {
                "usages": {"type": "array", "items": {"$ref": "#/components/schemas/UsageInput"}},
                "final": {"type": "boolean", "default": True},
            },
        },
        example={"usages": [USAGE | {"operation_id": "call-2"}]},
        problems=(404, 409, 422),
    ),
    ("POST", "/v1/reservations/{reservation_id}/release"): Operation(
        "reservations",
        "Give back all that is held. A second time changes nothing.",
        {200: Answer("Released.", RESERVATION)},
        path=(RESERVATION_ID,),
        problems=(404,),
    ),
    ("GET", "/v1/budgets/{budget_id}/status"): Operation(
        "budgets",
        "Where a budget stands in its own current window.",
        {
            200: Answer(
                "Its figures: decimal strings in its currency, null without an amount.",
                {
                    "budget_id": "acme",
                    "currency": "USD",
                    "amount": "100",
                    "spent": "0.012",
                    "reserved": "0",
                    "available": "99.988",
                    "effective_available": "99.988",
                    "utilization": 0.00012,
                    "state": "OK",
                    "window_start": None,
                    "window_end": None,
                    "limits": [],
                    "wallet": None,
                },
            )
        },
        path=(BUDGET_ID,),
        problems=(404,),
    ),
    ("GET", "/v1/quotas/usage"): Operation(
        "budgets",
        "What a budget uses of its quotas: recorded, and held by open reservations.",
        {
            200: Answer(
                "Its figures; each quota's in the unit of its key.",
                {
                    "budget_id": "acme",
                    "currency": "USD",
                    "tokens_today": 3000,
                    "cost_today": "0.012",
                    "concurrent_agents": 0,
                    "requests_this_minute": 2,
                    "quotas": [],
                },
            )
        },
        query=(
            Parameter(
                "budget_id", "The budget; else the key's own, or the only root that was made.", TEXT, "acme"
            ),
        ),
        problems=(404, 422),
    ),
    ("GET", "/v1/anomalies"): Operation(
        "anomalies",
        "Operations that cost something else than was estimated, the last detected first.",
        {200: Answer("A page; `end_cursor` is the next one's `after`.")},
        query=(
            FROM,
            TO,
            Parameter("budget_id", "Charged to this budget or below it.", TEXT, "acme"),
            Parameter("agent_id", "Of this agent.", TEXT),
            Parameter("severity", "Any of these; it may be said several times.", words(Severity)),
            Parameter(
                "first",
                "How many.",
                {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": 50},
            ),
            Parameter("after", "Where the page before ended.", TEXT),
        ),
        problems=(422,),
    ),
    ("GET", "/v1/exports/usage"): Operation(
        "exports",
        "Recorded usage as a table, newest first: one row per cost entry, as of the moment of asking.",
        {200: Answer(f"The table, streamed. {ARCHIVED}", media_types=TABLE)},
        query=(
            FORM,
            FROM,
            TO,
            Parameter("budget_id", "Charged to this budget or below it.", TEXT, "acme"),
            Parameter("agent_id", "Of this agent.", TEXT),
            Parameter("session_id", "Of this session.", TEXT),
            Parameter("user_id", "Of this user.", TEXT),
            Parameter("model_id", "Of this model.", TEXT),
            Parameter("pricing", "Whether it has a price.", words(Pricing)),
        ),
        problems=(404, 422),
    ),
    ("GET", "/v1/exports/rollups"): Operation(
        "exports",
        "What was charged to a budget, by time and dimensions, as a table.",
        {200: Answer("The table, streamed.", media_types=TABLE)},
        query=(
            Parameter("budget_id", "The budget.", TEXT, "acme", needed=True),
            FORM,
            FROM,
            TO,
            Parameter(
                "by",
                f"Dimensions with commas in between: {', '.join(Dimension)}.",
                TEXT,
                "AGENT,MODEL",
            ),
            Parameter("granularity", "How time is cut; TOTAL is the default.", words(Granularity), "DAY"),
            Parameter("timezone", "Whose days; the budget's own where nothing is said.", TEXT),
            Parameter(
                "include_descendants",
                "Whether rows hold what was charged below it, too.",
                {"type": "boolean", "default": True},
            ),
        ),
        problems=(404, 422),
    ),
    ("GET", "/api/v1/teams/{team_id}/budget"): Operation(
        "teams",
        "Where a team's budget stands. Money is an exact JSON number, the utilisation a percentage.",
        {
            200: Answer(
                "Its figures; three of them null without a limit.",
                {
                    "team_id": "crew",
                    "budget_limit": 50,
                    "current_spend": 0,
                    "remaining": 50,
                    "utilization": 0,
                },
            )
        },
        path=(TEAM_ID,),
        query=(ONE_OF_SEVERAL,),
        problems=(404, 409),
    ),
    ("GET", "/api/v1/teams/{team_id}/costs"): Operation(
        "teams",
        "What a team spent: by category, by model, by day.",
        {
            200: Answer(
                "Sums, the largest first, and a timeline.",
                {"by_category": [], "by_model": [], "timeline": [], "total": 0},
            )
        },
        path=(TEAM_ID,),
        query=(ONE_OF_SEVERAL, FROM, TO),
        problems=(404, 409, 422),
    ),
    **BALANCE_OPERATIONS,
    ("GET", "/api/v1/pricing/provider/{provider}/model/{model}"): Operation(
        "pricing",
        "What a model costs now, per 1,000.",
        {200: Answer("Its price; null where nobody knows.", PRICE)},
        path=(PROVIDER, MODEL),
        problems=(404,),
    ),
    ("GET", "/api/v1/pricing/provider/{provider}/model/{model}/history"): Operation(
        "pricing",
        "What a model cost, and every change since.",
        {
            200: Answer(
                "The price at the beginning, then each change.",
                {"provider": "openai", "model_name": "gpt-4o", "days": 30, "history": []},
            )
        },
        path=(PROVIDER, MODEL),
        query=(
            Parameter(
                "days",
                "How far back.",
                {"type": "integer", "minimum": 1, "maximum": DAYS_MAX, "default": 30},
            ),
        ),
        problems=(404, 422),
    ),
    ("POST", "/api/v1/pricing/estimate"): Operation(
        "pricing",
        "What a call would cost, with the platform's fee.",
        {200: Answer("The estimate.")},
        body=EstimateInput,
        example={
            "provider": "openai",
            "model": "gpt-4o",
            "input_tokens": 1000,
            "expected_output_tokens": 500,
        },
        problems=(404, 422),
    ),
    ("POST", "/api/v1/pricing/compare"): Operation(
        "pricing",
        "What the same call costs on several models, by provider/model.",
        {200: Answer("An estimate for each.")},
        body=CompareInput,
        example={
            "models": [{"provider": "openai", "model": "gpt-4o"}],
            "input_tokens": 1000,
            "output_tokens": 500,
        },
        problems=(422,),
    ),
    ("GET", "/healthz"): Operation(
        "operations", "Whether the process answers.", {200: Answer("It does.", {"status": "ok"})}
    ),
    ("GET", "/readyz"): Operation(
        "operations",
        "Whether it can do its work: the engine answers, the workers run.",
        {
            200: Answer("It can.", {"status": "ready", "checks": {}}),
            503: Answer("It cannot now; `checks` says why."),
        },
    ),
    ("GET", "/metrics"): Operation(
        "operations",
        "Figures for Prometheus; no tenant's ids are in them.",
        {200: Answer("Prometheus' text format.", media_types=("text/plain",))},
    ),
    ("GET", "/openapi.json"): Operation("operations", "This document.", {200: Answer("OpenAPI 3.1.")}),
}

"""The routes about balances in words."""

from collections.abc import Mapping
from typing import Final

from server.openapi.parts import TEXT, Answer, Operation, Parameter, words
from server.rest.balances import CheckInput, SpendingPeriod

USER_ID: Final = Parameter("user_id", "The user, as usage names it.", TEXT, "ann")
PROJECT_ID: Final = Parameter(
    "project_id", "What a budget of the type PROJECT pays for, else its id.", TEXT, "acme"
)
ONE_OF_PROJECTS: Final = Parameter("budget_id", "Which one, where several budgets pay for the project.", TEXT)

BALANCE_OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("GET", "/api/v1/budgets/user/{user_id}/project/{project_id}/balance"): Operation(
        "balances",
        "What a user may still spend in a project: of its wallet, else of its amount; null without either.",
        {200: Answer("An exact JSON number.", {"available_balance": 100, "currency": "USD"})},
        path=(USER_ID, PROJECT_ID),
        query=(ONE_OF_PROJECTS,),
        problems=(404, 409),
    ),
    ("GET", "/api/v1/budgets/user/{user_id}/project/{project_id}/status"): Operation(
        "balances",
        "Balance, spend and limits of a user in a project. Limits that do not exist are null.",
        {
            200: Answer(
                "Exact JSON numbers, and whether limits are reached.",
                {
                    "total_balance": 100,
                    "available_balance": 100,
                    "reserved_amount": 0,
                    "spent_today": 0,
                    "spent_this_month": 0,
                    "spent_total": 0,
                    "daily_limit": None,
                    "monthly_limit": None,
                    "per_request_limit": None,
                    "daily_limit_reached": False,
                    "monthly_limit_reached": False,
                    "low_balance": False,
                },
            )
        },
        path=(USER_ID, PROJECT_ID),
        query=(ONE_OF_PROJECTS,),
        problems=(404, 409),
    ),
    ("GET", "/api/v1/budgets/user/{user_id}/project/{project_id}/spending/{period}"): Operation(
        "balances",
        "What a user spent in a project in the running period of the budget's time zone.",
        {
            200: Answer(
                "Its sum and how many requests it was.",
                {
                    "period": "daily",
                    "start": "2026-11-22T00:00:00Z",
                    "end": "2026-11-23T00:00:00Z",
                    "total_spent": 0,
                    "request_count": 0,
                    "currency": "USD",
                },
            )
        },
        path=(
            USER_ID,
            PROJECT_ID,
            Parameter("period", "Which calendar unit.", words(SpendingPeriod), SpendingPeriod.DAILY),
        ),
        query=(ONE_OF_PROJECTS,),
        problems=(404, 409, 422),
    ),
    ("POST", "/api/v1/budgets/user/{user_id}/project/{project_id}/check"): Operation(
        "balances",
        "Whether an amount may be spent, with everything that speaks against it. Nothing is held.",
        {
            200: Answer(
                "The decision, on the books as they are.",
                {
                    "available": True,
                    "sufficient": True,
                    "requested_amount": 0.05,
                    "available_balance": 100,
                    "violations": [],
                },
            )
        },
        path=(USER_ID, PROJECT_ID),
        query=(ONE_OF_PROJECTS,),
        body=CheckInput,
        example={"requested_amount": 0.05, "policy": {"daily_limit": 50}},
        problems=(404, 409, 422),
    ),
}

"""What goes wrong, as the client is told."""

from typing import Any

import pytest
from graphql import GraphQLError
from structlog.testing import capture_logs

from graph.database import Database
from graph.engines import Connection
from graph.errors import EngineUnavailable, StatementError, TransactionConflict
from insight.errors import NotSettled, SumOutOfRange
from ledger import errors as ledger_errors
from ledger.access import Permission, Principal, Role
from ledger.errors import LedgerError
from pricing.errors import AmountOutOfRange, PricingError
from resolvers.errors import mapped
from tests.support.services import Caller, open_services

CONTRACT = {
    "FORBIDDEN",
    "NOT_FOUND",
    "INVALID",
    "CONFLICT",
    "CYCLE",
    "CURRENCY_MISMATCH",
    "BUDGET_CLOSED",
    "AMOUNT_OUT_OF_RANGE",
    "UNAVAILABLE",
}


def told(error: Exception) -> Any:
    return mapped(GraphQLError("anything", original_error=error)).formatted


def classes(base: type[Exception]) -> list[type[Exception]]:
    return [base, *(each for child in base.__subclasses__() for each in classes(child))]


@pytest.mark.parametrize(
    "kind", [*classes(LedgerError), *classes(PricingError)], ids=lambda kind: kind.__name__
)
def test_every_error_of_a_room_keeps_its_code_and_its_words(kind: type[Exception]) -> None:
    error = kind("what to do about it")
    shown = told(error)
    assert shown["message"] == "what to do about it"
    assert shown["extensions"]["code"] == getattr(error, "code", None)
    assert shown["extensions"]["code"] in CONTRACT


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SumOutOfRange("too much"), "AMOUNT_OUT_OF_RANGE"),
        (AmountOutOfRange("too much", "amount"), "AMOUNT_OUT_OF_RANGE"),
        (NotSettled("again"), "UNAVAILABLE"),
        (EngineUnavailable("bolt://secret-host:7687 is down"), "UNAVAILABLE"),
        (TransactionConflict("deadlock at node 7"), "UNAVAILABLE"),
    ],
)
def test_errors_of_the_other_rooms_have_a_code_too(error: Exception, code: str) -> None:
    shown = told(error)
    assert shown["extensions"]["code"] == code
    assert "secret-host" not in shown["message"]
    assert "node 7" not in shown["message"]


def test_the_field_at_fault_is_named_as_clients_know_it() -> None:
    shown = told(ledger_errors.InvalidInput("no", field="parent_budget_id"))
    assert shown["extensions"]["field"] == "parentBudgetId"


@pytest.mark.parametrize(
    "error", [RuntimeError("password=hunter2"), StatementError("MATCH (n) secret"), KeyError("x")]
)
def test_what_nobody_foresaw_is_masked_and_logged_with_its_reference(error: Exception) -> None:
    with capture_logs() as logs:
        shown = told(error)
    (entry,) = logs
    assert shown["extensions"]["code"] == "INTERNAL"
    assert shown["extensions"]["reference"] == entry["reference"]
    assert entry["exc_info"] is error
    assert entry["reference"] in shown["message"]
    assert "hunter2" not in str(shown)
    assert "secret" not in str(shown)


def test_a_dead_engine_is_unavailable_and_nothing_is_told_about_it(tenant: str) -> None:
    nobody = Connection(
        uri="bolt://127.0.0.1:9", username="neo4j", password="x", database="neo4j", kind="neo4j"
    )
    with Database(nobody) as database, open_services(database) as services, capture_logs() as logs:
        answer = Caller(services, Principal("k", tenant, Role.ADMIN)).ask(
            '{ budget(budgetId: "a") { budgetId } }'
        )
    assert answer.code == "UNAVAILABLE"
    assert answer.data == {"budget": None}
    assert "127.0.0.1" not in str(answer.errors)
    assert [entry["event"] for entry in logs] == ["engine_unavailable"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "{",
        "{ nothing }",
        "{ budget { budgetId } }",
        "fragment F on Query { __typename }",
        "subscription { nothing }",
        "{ ...Unknown }",
        "{ ...F } fragment F on Query { ...F }",
        "{ budget(budgetId: {a: 1}) { budgetId } }",
        '{ usage(filter: {pricing: "UNPRICED"}) { nodes { operationId } } }',
    ],
)
def test_what_is_no_operation_is_invalid_and_never_a_crash(admin: Caller, text: str) -> None:
    answer = admin.ask(text)
    assert answer.data is None
    assert {error["extensions"]["code"] for error in answer.errors} == {"INVALID"}


def test_a_failed_field_does_not_take_the_others_with_it(admin: Caller) -> None:
    answer = admin.as_role(Role.VIEWER).ask(
        '{ budget(budgetId: "a") { budgetId } agents { nodes { agentId } } }'
    )
    assert answer.errors == []
    refused = admin.as_role(Role.VIEWER).ask('mutation { closeBudget(budgetId: "a") { budgetId } }')
    assert refused.code == "FORBIDDEN"
    assert Permission.MANAGE_BUDGETS.value in refused.errors[0]["message"]
    assert refused.errors[0]["path"] == ["closeBudget"]

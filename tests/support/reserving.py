"""Reservations through GraphQL, as tests ask for them."""

from typing import Any

from tests.support.services import Caller

HELD = """
fragment Held on Reservation {
  __typename reservationId state agentId budgetId amount remaining charged expiresAt
  decision delayMs duplicate
  warnings { code message budgetId limit }
}
"""
REFUSED = """
fragment Refused on ReserveResult {
  __typename
  ...Held
  ... on BudgetExceeded { message detail violations { ...Passed } }
  ... on Throttled { retryAfterMs violations { ...Passed } }
  ... on PriceUnknown { provider modelId reason }
}
fragment Passed on Violation {
  message budgetId meter window limit spent reserved requested available projectedTotal resetsAt redacted
}
"""
RESERVE = "mutation($input: ReserveInput!) { reserve(input: $input) { ...Refused } }" + REFUSED + HELD
EXTEND = "mutation($input: ExtendInput!) { extend(input: $input) { ...Refused } }" + REFUSED + HELD
RELEASE = "mutation($id: ID!) { release(reservationId: $id) { ...Held } }" + HELD
SHOW = "query($id: ID!) { reservation(reservationId: $id) { ...Held } }" + HELD
SETTLE = (
    """
mutation($input: SettleInput!) {
  settle(input: $input) {
    __typename
    ... on Settled {
      reservation { ...Held }
      results {
        __typename
        ... on RecordedUsage { operationId duplicate pricing costEntry { kind totalCost } }
        ... on OperationConflict { operationId message }
        ... on InvalidUsage { operationId code field message }
      }
      charged overrun late decision delayMs warnings { code late }
    }
    ... on OperationConflict { operationId message }
    ... on InvalidUsage { operationId code field message }
  }
}
"""
    + HELD
)


def reserve(caller: Caller, key: str, budget: str | None = None, **fields: Any) -> Any:
    """What a request for a reservation is answered."""
    said = {"idempotencyKey": key, "agentId": "agent", "budgetId": budget, **fields}
    return caller.get(RESERVE, input=said)["reserve"]


def held(caller: Caller, key: str, budget: str | None = None, **fields: Any) -> Any:
    """A reservation that must be granted."""
    answer = reserve(caller, key, budget, **fields)
    assert answer["__typename"] == "Reservation", answer
    return answer


def settle(caller: Caller, reservation_id: str, *usages: dict[str, Any], final: bool = True) -> Any:
    """What a settlement is answered."""
    said = {"reservationId": reservation_id, "usages": list(usages), "final": final}
    return caller.get(SETTLE, input=said)["settle"]

"""The ledger's front: what callers say is validated and priced, then committed."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

import pytest

from ledger.access import Principal, Role
from ledger.commands import CreateBudget
from ledger.committer import Committer
from ledger.errors import Conflict, InvalidInput, Unavailable
from ledger.model import Budget, BudgetType, Pricing
from ledger.results import InvalidUsage, OperationConflict, RecordedUsage
from ledger.service import BATCH_MAX, LedgerService
from pricing.quote import Pricer
from pricing.rates import Card
from tests.support.memory import MemoryStore

T = TypeVar("T")
ANYBODY = Principal("key", "t", Role.RECORDER)


class NoPrices:
    """A source of prices that knows none, and remembers when it was asked for."""

    def __init__(self) -> None:
        self.asked_us: list[int] = []

    def find(self, provider: str | None, model_id: str, at_us: int) -> Card | None:
        assert (provider, model_id) == (None, "m")
        self.asked_us.append(at_us)
        return None


class Front:
    """A service on a store in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.prices = NoPrices()
        self.committer = Committer(self.store)
        self.committer.start()
        self.service = LedgerService(self.committer, Pricer([self.prices]))

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        """The answer of one call."""
        return asyncio.run(call)


@pytest.fixture
def front() -> Generator[Front]:
    front = Front()
    yield front
    front.committer.stop()


def row(operation_id: str, **fields: Any) -> dict[str, Any]:
    """What a caller sends."""
    return {
        "operation_id": operation_id,
        "agent_id": "a",
        "capability_type": "chat",
        "model_id": "m",
        **fields,
    }


def test_one_usage_is_recorded_and_again_is_a_duplicate(front: Front) -> None:
    paid = row("op", provider_cost="0.25")
    first = front.wait(front.service.record(ANYBODY, paid))
    again = front.wait(front.service.record(ANYBODY, paid))
    other = front.wait(front.service.record(ANYBODY, row("op", provider_cost="0.5")))
    assert isinstance(first, RecordedUsage)
    assert isinstance(again, RecordedUsage)
    assert first.cost_entry is not None
    assert (first.duplicate, again.duplicate, first.cost_entry.total_cost_nano) == (False, True, 250_000_000)
    assert isinstance(other, OperationConflict)


def test_a_bad_row_fails_alone_and_answers_keep_the_order(front: Front) -> None:
    rows = [
        row("a"),
        row("b", prompt_tokens=-1),
        row("c", provider_cost="1e30"),
        row("a"),
        row("d", prompt_tokens=1),
    ]
    kinds = front.wait(front.service.record_many(ANYBODY, rows))
    assert [type(each) for each in kinds] == [
        *(RecordedUsage, InvalidUsage, InvalidUsage),
        *(RecordedUsage, RecordedUsage),
    ]
    assert [each.operation_id for each in kinds] == ["a", "b", "c", "a", "d"]
    assert isinstance(kinds[4], RecordedUsage)
    assert kinds[4].pricing is Pricing.UNPRICED
    assert len(front.store.books.operations) == 2


def test_a_call_takes_a_thousand_rows_and_not_one_more(front: Front) -> None:
    rows = [row(f"{number}") for number in range(BATCH_MAX + 1)]
    with pytest.raises(InvalidInput):
        front.wait(front.service.record_many(ANYBODY, rows))
    assert front.store.books.operations == {}
    assert len(front.wait(front.service.record_many(ANYBODY, rows[:-1]))) == BATCH_MAX
    assert front.wait(front.service.record_many(ANYBODY, [])) == []


def test_usage_is_priced_at_its_own_date_and_never_at_one_to_come(front: Front) -> None:
    front.wait(front.service.record(ANYBODY, row("past", prompt_tokens=1, timestamp="2023-11-16T00:00:00Z")))
    front.wait(
        front.service.record(ANYBODY, row("future", prompt_tokens=1, timestamp="2199-01-01T00:00:00Z"))
    )
    past_us, future_us = front.prices.asked_us
    assert past_us == 1_700_092_800_000_000
    assert future_us == pytest.approx(front.store.books.operations["t/future"].timestamp_us, abs=60 * 10**6)


def test_a_change_is_answered_by_what_it_made_or_raises_why_not(front: Front) -> None:
    made = front.wait(front.service.submit(CreateBudget("t", None, "b", BudgetType.TASK)))
    assert isinstance(made, Budget)
    with pytest.raises(Conflict):
        front.wait(front.service.submit(CreateBudget("t", None, "b", BudgetType.TEAM)))


def test_a_poisoned_row_fails_alone_and_the_others_are_recorded(front: Front) -> None:
    front.store.poison = {"b"}
    answers = front.wait(front.service.record_many(ANYBODY, [row("a"), row("b"), row("c")]))
    assert [type(each) for each in answers] == [RecordedUsage, InvalidUsage, RecordedUsage]
    assert isinstance(answers[1], InvalidUsage)
    assert (answers[1].operation_id, answers[1].code) == ("b", "UNAVAILABLE")
    assert set(front.store.books.operations) == {"t/a", "t/c"}
    with pytest.raises(Unavailable):
        front.wait(front.service.record(ANYBODY, row("b")))

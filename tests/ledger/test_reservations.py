"""The front of reservations: words in, committed answers out."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from ledger.access import Principal, Role
from ledger.committer import Committer
from ledger.errors import InvalidInput, NotFound, OutOfRange
from ledger.reservations import ReservationService
from ledger.results import BudgetExceeded, InvalidUsage, PriceUnknown, RecordedUsage, Reservation, Settled
from pricing.bounds import Bounds, load_models
from pricing.catalogue import load_catalogue
from pricing.quote import Pricer
from tests.support.world import USD, T, World

CALLER = Principal("key", T, Role.RECORDER)


class Front:
    def __init__(self, world: World) -> None:
        self.world = world
        pricer = Pricer([load_catalogue()])
        self.committer = Committer(world.store)
        self.service = ReservationService(self.committer, pricer, Bounds(pricer, load_models()))

    def reserve(self, **fields: Any) -> Any:
        said = {"idempotency_key": "k", "agent_id": "a", "budget_id": "b", **fields}
        return asyncio.run(self.service.reserve(CALLER, said))

    def settle(self, reservation_id: str, *usages: dict[str, Any], final: bool = True) -> Any:
        return asyncio.run(self.service.settle(CALLER, reservation_id, usages, final=final))


@pytest.fixture
def front() -> Generator[Front]:
    world = World()
    world.budget("b", USD)
    front = Front(world)
    front.committer.start()
    yield front
    front.committer.stop()


def said(operation_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "operation_id": operation_id,
        "agent_id": "a",
        "capability_type": "chat",
        "model_id": "gpt-4o",
        **fields,
    }


def test_a_call_is_held_at_its_bound_and_settled_at_its_price(front: Front) -> None:
    held = front.reserve(model_id="gpt-4o", prompt_tokens=1000, max_completion_tokens=500)
    assert isinstance(held, Reservation)
    assert held.amount_nano == 7_500_000
    settled = front.settle(held.reservation_id, said("o", prompt_tokens=1000, completion_tokens=100))
    assert isinstance(settled, Settled)
    assert settled.charged_nano == 3_500_000
    assert front.world.figures("b") == (3_500_000, 0, 0)


def test_without_a_maximum_the_models_own_is_held_and_without_any_there_is_no_bound(front: Front) -> None:
    assert front.reserve(model_id="gpt-4o", prompt_tokens=0).amount_nano == 163_840_000
    assert front.reserve(idempotency_key="l", model_id="mine", prompt_tokens=1) == PriceUnknown(
        None, "mine", "NO_BOUND"
    )


def test_an_amount_is_a_decimal_string(front: Front) -> None:
    assert front.reserve(amount="0.01").amount_nano == 10_000_000
    assert isinstance(front.reserve(idempotency_key="l", amount="1"), BudgetExceeded)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount": 0.01}, "amount"),
        ({"amount": "0.0000000001"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"prompt_tokens": -1}, "prompt_tokens"),
        ({"ttl_seconds": 0}, "ttl_seconds"),
        ({"agent_id": ""}, "agent_id"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_words_that_cannot_be_name_their_field(front: Front, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        front.reserve(**fields)
    assert caught.value.field == field


def test_an_amount_past_64_bits_is_out_of_range(front: Front) -> None:
    with pytest.raises(OutOfRange):
        front.reserve(amount="99999999999")


def test_a_usage_with_bad_words_fails_alone(front: Front) -> None:
    held = front.reserve(amount="0.5")
    answer = front.settle(held.reservation_id, said("x", prompt_tokens=-1), said("o", prompt_tokens=10))
    assert isinstance(answer, Settled)
    assert isinstance(answer.results[0], InvalidUsage)
    assert isinstance(answer.results[1], RecordedUsage)
    assert isinstance(front.settle(held.reservation_id, said("y", prompt_tokens=-1)), InvalidUsage)


def test_extend_release_and_sweep_have_their_words_too(front: Front) -> None:
    held = front.reserve(amount="0.5")
    fields = {"reservation_id": held.reservation_id, "idempotency_key": "e", "add_amount": "0.25"}
    more = asyncio.run(front.service.extend(CALLER, fields))
    assert isinstance(more, Reservation)
    assert more.amount_nano == 750_000_000
    released = asyncio.run(front.service.release(CALLER, held.reservation_id))
    assert released.remaining_nano == 0
    assert asyncio.run(front.service.sweep(T)) == 0
    with pytest.raises(NotFound):
        asyncio.run(front.service.release(CALLER, "nothing"))

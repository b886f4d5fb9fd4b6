"""Agreements on budgets' months: sums as charges come, closes that book the difference, never a double."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.agreement_commands import CloseMonths, PutAgreement, WithdrawAgreement
from ledger.commands import Adjust, AdjustmentKind
from ledger.errors import Conflict, Forbidden, InvalidInput, LedgerError, NotFound
from ledger.model import EntryKind, Meter, WindowKind, uid_of
from ledger.price_commands import Reprice
from ledger.results import MonthsClosed
from pricing.agreements import Agreed
from pricing.volume import (
    Adjustment,
    Commitment,
    Credit,
    LineKind,
    Measure,
    MonthSums,
    Terms,
    VolumeDiscount,
)
from tests.support.books import check_books
from tests.support.desk import Desk, limit, us
from tests.support.shop import Shop, price
from tests.support.simulated_store import SimulatedStore

USD = 10**9
TEN_PERCENT = VolumeDiscount("big", ((100 * USD, 100_000),))
"""10 % of what is above 100."""
DECEMBER = us("2026-12-01T00:00:00")
JANUARY = us("2027-01-01T00:00:00")


@pytest.fixture
def store() -> SimulatedStore:
    return SimulatedStore()


@pytest.fixture
def desk(store: SimulatedStore) -> Desk:
    desk = Desk(store, now_us=us("2026-11-10T12:00:00"))
    desk.create("acme", limits=(limit(Meter.COST, 10_000 * USD, WindowKind.MONTH),))
    desk.create("web", "acme")
    desk.create("other")
    return desk


def agree(
    desk: Desk, *discounts: VolumeDiscount, revise: bool = False, name: str = "deal", **said: Any
) -> Agreed:
    terms = Terms(discounts, said.pop("commitments", ()), said.pop("credits", ()))
    said = {"budget_id": "acme", "from_month": "2026-11", **said}
    return desk.one(
        PutAgreement(desk.tenant, desk.scope_uid, "key", name, terms=terms, revise=revise, **said), Agreed
    )


def close(desk: Desk, month: str | None = None, name: str = "deal") -> dict[str, tuple[Adjustment, ...]]:
    answer = desk.one(CloseMonths(desk.tenant, None, name, month), MonthsClosed)
    return {each.month: each.lines for each in answer.months}


def sums(store: SimulatedStore, desk: Desk, month: str = "2026-11", name: str = "deal") -> MonthSums:
    return store.agreement_months[uid_of(desk.tenant, f"{name}@{month}")].sums


def spent(store: SimulatedStore, budget: str, desk: Desk) -> int:
    return sum(
        window.spent for uid, window in store.windows.items() if uid.startswith(f"{desk.uid(budget)}#amount")
    )


def off(nano: int) -> Adjustment:
    return Adjustment(LineKind.VOLUME_DISCOUNT, "big", -nano, -nano)


def test_a_subtree_s_charges_add_up_by_month(desk: Desk, store: SimulatedStore) -> None:
    agree(desk, TEN_PERCENT)
    desk.record("a", 30 * USD, budget_id="web", prompt_tokens=10)
    desk.record("b", 20 * USD, budget_id="acme", completion_tokens=5)
    desk.record("else", 70 * USD, budget_id="other", prompt_tokens=7)
    desk.record("before", 9 * USD, budget_id="web", timestamp="2026-10-31T23:59:59Z")
    assert sums(store, desk) == MonthSums(50 * USD, 50 * USD, 15)
    assert list(store.agreement_months) == [desk.uid("deal@2026-11")]


def test_what_was_charged_before_is_counted_when_it_is_agreed(desk: Desk, store: SimulatedStore) -> None:
    desk.record("a", 30 * USD, budget_id="web", prompt_tokens=10)
    desk.record("b", 40 * USD, budget_id="web", timestamp="2026-09-02T00:00:00Z")
    agree(desk, TEN_PERCENT, from_month="2026-09")
    desk.record("c", 5 * USD, budget_id="web")
    assert sums(store, desk).contracted_nano == 35 * USD
    assert sums(store, desk, "2026-09").contracted_nano == 40 * USD
    assert sums(store, desk, "2026-10") == MonthSums()


def test_what_came_in_the_same_batch_is_counted(desk: Desk, store: SimulatedStore) -> None:
    terms = Terms((TEN_PERCENT,))
    put = PutAgreement(desk.tenant, None, "key", "deal", "acme", terms, "2026-11")
    first = desk.usage("a", 30 * USD, budget_id="web", prompt_tokens=10)
    refund = Adjust(desk.tenant, None, "k", "a", -USD, AdjustmentKind.REFUND)
    later = desk.usage("b", 5 * USD, budget_id="web", prompt_tokens=1)
    desk.do(first, refund, put, later)
    assert sums(store, desk) == MonthSums(34 * USD, 34 * USD, 11)
    begin = us("2026-11-01T00:00:00")
    assert sums(store, desk) == store.sums_in(desk.uid("acme"), begin, DECEMBER)


def test_a_close_books_the_lines_in_the_month_that_is_over(desk: Desk, store: SimulatedStore) -> None:
    agree(desk, TEN_PERCENT)
    desk.record("a", 150 * USD, budget_id="web")
    with pytest.raises(InvalidInput, match="2026-11 is not over yet"):
        close(desk, "2026-11")
    assert close(desk) == {}
    desk.now_us = DECEMBER
    assert close(desk) == {"2026-11": (off(5 * USD),)}
    assert spent(store, "acme", desk) == 145 * USD
    assert spent(store, "web", desk) == 150 * USD
    month = store.windows[next(uid for uid in store.windows if "COST/MONTH" in uid)]
    assert (month.spent, month.end_us) == (145 * USD, DECEMBER)
    first, line = (each.entry for each in store.entries[-2:])
    assert (first.kind, first.total_cost_nano, first.operations) == (EntryKind.USAGE, 0, 0)
    assert (line.kind, line.total_cost_nano, line.price_source, line.price_card, line.reason) == (
        EntryKind.ADJUSTMENT,
        -5 * USD,
        "agreement",
        "deal 1",
        "volume discount: big",
    )
    assert (line.charged_at_us, line.adjusts) == (DECEMBER - 1, first.uid)
    assert line.token_usage_id == "agreement/deal/2026-11"
    check_books(store)


def test_closing_again_changes_nothing_and_late_usage_is_a_difference(
    desk: Desk, store: SimulatedStore
) -> None:
    agree(desk, TEN_PERCENT)
    desk.record("a", 150 * USD, budget_id="web")
    desk.now_us = DECEMBER
    close(desk)
    entries, version = len(store.entries), store.commits
    assert close(desk) == {}
    assert (len(store.entries), store.commits) == (entries, version)
    desk.record("late", 50 * USD, budget_id="web", timestamp="2026-11-30T10:00:00Z")
    assert close(desk) == {"2026-11": (off(5 * USD),)}
    assert close(desk) == {}
    assert spent(store, "acme", desk) == 190 * USD
    assert len(store.booked_as) == 1
    check_books(store)


def test_refunds_and_new_prices_change_what_is_off(store: SimulatedStore) -> None:
    shop = Shop(store, now_us=us("2026-11-10T12:00:00"))
    shop.create("acme")
    agree(shop, VolumeDiscount("big", ((0, 100_000),)))
    shop.say("deal", price("uncached", "2"), budget_id="acme")
    shop.spend("op", budget_id="acme")
    assert sums(store, shop) == MonthSums(25 * 10**8, 2 * USD, 1_000_000)
    shop.do(Adjust(shop.tenant, None, "k", "op", -USD, AdjustmentKind.REFUND))
    assert sums(store, shop).contracted_nano == USD
    shop.say("deal", price("uncached", "4"), budget_id="acme", revise=True, may_raise=True)
    shop.do(Reprice(shop.tenant, None, [shop.uid("op")]))
    assert sums(store, shop).contracted_nano == 3 * USD
    shop.recorded("unpriced", budget_id="acme", model_id="secret")
    assert sums(store, shop).tokens == 2_000_000
    shop.say("secret", price("uncached", "1"), model="secret")
    shop.do(Reprice(shop.tenant, None, [shop.uid("unpriced")]))
    assert sums(store, shop) == store.sums_in(shop.uid("acme"), us("2026-11-01T00:00:00"), DECEMBER)
    shop.now_us = DECEMBER
    assert close(shop)["2026-11"] == (off(4 * USD // 10),)
    check_books(store)


def test_a_commitment_is_billed_as_a_whole_and_what_is_not_used_is_charged(
    desk: Desk, store: SimulatedStore
) -> None:
    agree(desk, commitments=(Commitment("c", 100 * USD),))
    desk.record("a", 60 * USD, budget_id="web")
    desk.now_us = JANUARY
    lines = close(desk)
    assert lines["2026-11"] == (
        Adjustment(LineKind.COMMITMENT_PURCHASE, "c", 0, 100 * USD),
        Adjustment(LineKind.COMMITMENT_COVERED, "c", 0, -60 * USD),
        Adjustment(LineKind.COMMITMENT_UNUSED, "c", 40 * USD, 0),
    )
    assert lines["2026-12"][-1] == Adjustment(LineKind.COMMITMENT_UNUSED, "c", 100 * USD, 0)
    assert spent(store, "acme", desk) == 200 * USD
    billed = [each.entry.billed_cost_nano for each in store.entries if each.entry.price_source == "agreement"]
    assert sum(each or 0 for each in billed) == 200 * USD - 60 * USD
    # A month in which nothing is charged is looked at, too.
    assert store.agreement_months[desk.uid("deal@2027-01")].due
    check_books(store)


def test_a_credit_is_used_up_over_months_and_late_usage_moves_it(desk: Desk, store: SimulatedStore) -> None:
    agree(desk, credits=(Credit("k", 50 * USD),))
    desk.record("nov", 30 * USD, budget_id="web")
    desk.now_us = DECEMBER + 1
    desk.record("dec", 30 * USD, budget_id="web")
    desk.now_us = JANUARY
    used = {key: [line.effective_nano // USD for line in lines] for key, lines in close(desk).items()}
    assert used == {"2026-11": [-30], "2026-12": [-20]}
    desk.record("late", 10 * USD, budget_id="web", timestamp="2026-11-20T00:00:00Z")
    used = {
        key: [line.effective_nano // USD for line in lines] for key, lines in close(desk, "2026-11").items()
    }
    assert used == {"2026-11": [-10], "2026-12": [10]}
    assert spent(store, "acme", desk) == 20 * USD


def test_a_revision_holds_from_its_month_on(desk: Desk, store: SimulatedStore) -> None:
    first = agree(desk, TEN_PERCENT, reason="won the tender")
    assert agree(desk, TEN_PERCENT) == first
    with pytest.raises(Conflict, match="Use updateAgreement"):
        agree(desk, TEN_PERCENT, from_month="2026-12")
    half = VolumeDiscount("big", ((100 * USD, 500_000),))
    second = agree(desk, half, from_month="2026-12", revise=True)
    assert (second.number, second.author, first.reason) == (2, "key", "won the tender")
    desk.record("nov", 200 * USD, budget_id="web")
    desk.now_us = DECEMBER + 1
    desk.record("dec", 200 * USD, budget_id="web")
    desk.now_us = JANUARY
    assert close(desk) == {"2026-11": (off(10 * USD),), "2026-12": (off(50 * USD),)}
    # Corrected for a month that is closed: the difference is booked.
    agree(desk, half, from_month="2026-11", revise=True)
    assert close(desk) == {"2026-11": (off(40 * USD),), "2026-12": ()}
    ended = desk.one(WithdrawAgreement(desk.tenant, None, "key", "deal"), Agreed)
    assert (ended.number, ended.from_month, ended.withdrawn) == (4, "2027-01", True)
    assert desk.one(WithdrawAgreement(desk.tenant, None, "key", "deal"), Agreed) == ended
    desk.record("jan", 200 * USD, budget_id="web")
    desk.now_us = us("2027-02-01T00:00:00")
    assert close(desk) == {"2027-01": ()}
    assert close(desk) == {}
    check_books(store)


def test_months_begin_where_the_budget_is(desk: Desk, store: SimulatedStore) -> None:
    desk.create("tokyo", timezone="Asia/Tokyo", limits=(limit(Meter.COST, USD**2, WindowKind.MONTH),))
    agree(desk, VolumeDiscount("big", ((0, 100_000),)), budget_id="tokyo", from_month="2026-11")
    desk.record("nov", 10 * USD, budget_id="tokyo", timestamp="2026-10-31T15:00:00Z")
    desk.now_us = us("2026-11-30T15:00:00")
    assert close(desk) == {"2026-11": (off(USD),)}
    (month,) = (each for uid, each in store.windows.items() if "tokyo#COST/MONTH" in uid)
    assert month.spent == 9 * USD
    check_books(store)


def test_tiers_may_be_of_tokens(desk: Desk) -> None:
    tokens = VolumeDiscount("big", ((1_000, 200_000),), Measure.TOKENS)
    agree(desk, tokens)
    desk.record("a", 100 * USD, budget_id="web", prompt_tokens=2_000)
    desk.now_us = DECEMBER
    assert close(desk) == {"2026-11": (off(10 * USD),)}


def test_an_operation_of_the_statement_s_name_is_left_alone(desk: Desk, store: SimulatedStore) -> None:
    agree(desk, TEN_PERCENT)
    desk.record("agreement/deal/2026-11", 150 * USD, budget_id="web")
    desk.now_us = DECEMBER
    close(desk)
    assert list(store.booked_as) == [desk.uid("agreement/deal/2026-11+")]
    check_books(store)


def test_what_cannot_be_agreed_is_refused(desk: Desk) -> None:
    refusals: list[tuple[type[LedgerError], dict[str, Any]]] = [
        (NotFound, {"budget_id": "nowhere"}),
        (InvalidInput, {"from_month": "2026-13"}),
        (InvalidInput, {"from_month": "2020-01"}),
        (InvalidInput, {"to_month": "2026-11"}),
        (InvalidInput, {"timezone": "Mars/Olympus"}),
        (InvalidInput, {"commitments": (Commitment("big", 1),)}),
        (InvalidInput, {"credits": (Credit("", 1),)}),
        (NotFound, {"revise": True, "name": "unknown"}),
    ]
    for error, said in refusals:
        with pytest.raises(error):
            agree(desk, TEN_PERCENT, **said)
    agree(desk, TEN_PERCENT)
    with pytest.raises(Conflict, match="stays with its budget"):
        agree(desk, TEN_PERCENT, budget_id="other", revise=True)
    with pytest.raises(NotFound):
        close(desk, name="unknown")
    desk.scope = "acme"
    with pytest.raises(Forbidden):
        agree(desk, TEN_PERCENT, name="own")


charges = st.lists(
    st.tuples(st.sampled_from(["web", "acme", "other"]), st.integers(0, 300), st.integers(1, 60)),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(charges, st.lists(st.integers(0, 8), max_size=3), st.randoms(use_true_random=False))
def test_what_is_booked_is_the_same_in_whatever_order_and_however_often_it_is_closed(
    each: list[tuple[str, int, int]], closes: list[int], random: Any
) -> None:
    shuffled = list(each)
    random.shuffle(shuffled)
    found = [_run(each, closes), _run(shuffled, [])]
    assert found[0] == found[1]


def _run(each: list[tuple[str, int, int]], closes: list[int]) -> dict[str, Any]:
    store = SimulatedStore()
    desk = Desk(store, now_us=us("2026-10-31T12:00:00"))
    desk.create("acme")
    desk.create("web", "acme")
    desk.create("other")
    agree(
        desk,
        TEN_PERCENT,
        commitments=(Commitment("c", 120 * USD),),
        credits=(Credit("k", 150 * USD),),
    )
    desk.now_us = JANUARY
    for number, (budget_id, amount, day) in enumerate(each):
        if number in closes:
            close(desk)
        at = f"2026-{11 + (day - 1) // 30}-{(day - 1) % 30 + 1:02d}T00:00:00Z"
        # Named by what it is, so that the order does not name it.
        name = f"{each.count((budget_id, amount, day))}-{each[:number].count((budget_id, amount, day))}"
        desk.record(f"{name}-{budget_id}-{amount}-{day}", amount * USD, budget_id=budget_id, timestamp=at)
    close(desk)
    assert close(desk) == {}
    check_books(store)
    booked = {key: sorted(month.booked) for key, month in store.agreement_months.items()}
    for key in ("2026-11", "2026-12"):
        month = store.agreement_months[desk.uid(f"deal@{key}")]
        effective = sum(line.effective_nano for line in month.booked)
        assert effective == sum(line.billed_nano for line in month.booked)
        assert month.sums.contracted_nano + effective >= 0
    whole = sum(amount for budget_id, amount, _ in each if budget_id != "other") * USD
    adjusted = sum(line.effective_nano for lines in booked.values() for line in lines)
    assert spent(store, "acme", desk) == whole + adjusted
    return booked

"""Archiving as it is decided: what still is what its file says becomes a stub, and nothing else moves."""

import pytest

from ledger.archive import (
    ARCHIVED_MAX,
    ArchiveFile,
    ArchiveUsage,
    Claim,
    Kept,
    RawUsage,
    check_days,
    kept,
)
from ledger.commands import Adjust, AdjustmentKind
from ledger.errors import Forbidden, InvalidInput
from ledger.model import Meter, Pricing, WindowKind
from ledger.results import Adjusted, Archived, OperationConflict, RecordedUsage
from tests.support.books import check_books
from tests.support.desk import limit
from tests.support.shop import TOKENS, Shop
from tests.support.simulated_store import SimulatedStore

FILE = ArchiveFile("0000000000000001-abc", "t/f.jsonl.gz", "abc", 10, 1, 1, 2)


@pytest.fixture
def store() -> SimulatedStore:
    return SimulatedStore()


@pytest.fixture
def shop(store: SimulatedStore) -> Shop:
    shop = Shop(store)
    shop.create("acme", limits=(limit(Meter.COST, 100 * 10**9, WindowKind.DAY),))
    return shop


def claims(store: SimulatedStore, *uids: str) -> list[Claim]:
    with store.transaction() as transaction:
        found = transaction.raw(uids)
        transaction.cancel()
    return [each.claim for each in found]


def archive(shop: Shop, found: list[Claim], author: str | None = None) -> Archived:
    return shop.one(ArchiveUsage(shop.tenant, None, FILE, found, author), Archived)


def refund(shop: Shop, operation_id: str, key: str) -> Adjust:
    return Adjust(shop.tenant, None, key, operation_id, -(10**8), AdjustmentKind.REFUND)


def test_what_is_as_the_file_says_becomes_a_stub_once(shop: Shop, store: SimulatedStore) -> None:
    shop.spend("op", budget_id="acme")
    found = claims(store, shop.uid("op"))
    before = {uid: window.spent for uid, window in store.windows.items()}
    seq = store.heads[shop.tenant].seq
    assert archive(shop, found) == Archived(1, 0)
    assert store.usages[shop.uid("op")].archived == shop.uid(FILE.archive_id)
    assert archive(shop, found) == Archived(0, 1)
    assert {uid: window.spent for uid, window in store.windows.items()} == before
    assert store.heads[shop.tenant].seq == seq, "nobody who follows the sequence has anything to hear"
    check_books(store)


def test_what_was_charged_since_stays_for_the_next_file(shop: Shop, store: SimulatedStore) -> None:
    shop.spend("op", budget_id="acme")
    found = claims(store, shop.uid("op"))
    shop.one(refund(shop, "op", "r"), Adjusted)
    assert archive(shop, found) == Archived(0, 1)
    assert archive(shop, claims(store, shop.uid("op"))) == Archived(1, 0)


def test_what_is_charged_in_the_same_batch_stays(shop: Shop, store: SimulatedStore) -> None:
    shop.spend("op", budget_id="acme")
    found = claims(store, shop.uid("op"))
    command = ArchiveUsage(shop.tenant, None, FILE, found)
    adjusted, archived = shop.do(refund(shop, "op", "r"), command)
    assert isinstance(adjusted, Adjusted)
    assert archived == Archived(0, 1)
    first, second = shop.do(*[ArchiveUsage(shop.tenant, None, FILE, claims(store, shop.uid("op")))] * 2)
    assert (first, second) == (Archived(1, 0), Archived(0, 1))


def test_an_archived_operation_is_a_duplicate_a_conflict_and_may_be_adjusted(
    shop: Shop, store: SimulatedStore
) -> None:
    entry = shop.spend("op", budget_id="acme")
    archive(shop, claims(store, shop.uid("op")))
    again = shop.one(shop.usage("op", 0, **TOKENS, budget_id="acme"), RecordedUsage)
    assert (again.duplicate, again.cost_entry) == (True, entry)
    shop.one(shop.usage("op", 0, **TOKENS, budget_id="acme", agent_id="other"), OperationConflict)
    adjusted = shop.one(refund(shop, "op", "r"), Adjusted)
    assert adjusted.entry.adjusts == entry.uid
    check_books(store)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ({"pricing": Pricing.UNPRICED, "seq": 0}, Kept.UNPRICED),
        ({"pricing": Pricing.ESTIMATED}, Kept.UNPRICED),
        ({"statement": True}, Kept.STATEMENT),
        ({"waits": True}, Kept.WAITING),
        ({"reservation_id": "open"}, Kept.HELD),
        ({"seq": 9}, Kept.BEHIND),
        ({}, None),
        ({"reservation_id": "settled"}, None),
    ],
)
def test_what_stays_and_why(raw: dict[str, object], reason: Kept | None) -> None:
    facts: dict[str, object] = {"pricing": Pricing.PRICED, "timestamp_us": 1, "seq": 8, **raw}
    assert kept(RawUsage("t/op", "f", **facts), {"open"}, 8) is reason  # pyright: ignore[reportArgumentType]


def test_a_confined_key_archives_nothing_and_nobody_archives_the_last_month() -> None:
    with pytest.raises(Forbidden):
        ArchiveUsage("t", "t/acme", FILE, [])
    with pytest.raises(InvalidInput, match="1001"):
        ArchiveUsage("t", None, FILE, [Claim("t/op", "f", 1)] * (ARCHIVED_MAX + 1))
    with pytest.raises(InvalidInput, match="34"):
        check_days(34)
    assert check_days(35) == 35

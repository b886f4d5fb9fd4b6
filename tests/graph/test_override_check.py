"""Overrides on both engines: kept as they were decided, and ``verify`` recomputes what was used of them."""

import pytest

from graph.check import Check
from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from graph.overrides import Overrides
from ledger.commands import Reserve, Settle
from ledger.model import Override, OverrideState
from ledger.override_commands import CreateOverride, RevokeOverride
from ledger.results import Reservation, Settled
from tests.graph.test_check import found, spoil
from tests.support.desk import NOW_US, Desk, priced, usage_of, usd

HOUR_US = 3_600 * 10**6


@pytest.fixture
def desk(database: Database, tenant: str) -> Desk:
    desk = Desk(GraphLedgerStore(database), tenant)
    desk.do(desk.creation("acme", amount_nano=0), desk.creation("web", "acme"), desk.creation("other"))
    return desk


@pytest.fixture
def override(desk: Desk) -> Override:
    """Five dollars, of which one is spent and two are held."""
    until_us = NOW_US + HOUR_US
    command = CreateOverride(desk.tenant, None, "o", "web", usd(5), "an incident", until_us, author="k")
    granted = desk.one(command, Override)
    for key in ("spent", "held"):
        held = desk.one(Reserve(desk.tenant, None, key, "a", "web", amount_nano=usd(2)), Reservation)
        assert held.override_id == granted.override_id
    desk.states.clear()
    usages = ((usage_of("op", agent_id="a"), priced(usd(1))),)
    reservation_id = Reserve(desk.tenant, None, "spent", "a").reservation_id
    settled = desk.one(Settle(desk.tenant, None, reservation_id, usages), Settled)
    assert settled.charged_nano == usd(1)
    return granted


def test_what_is_used_of_an_override_is_recomputed(
    database: Database, desk: Desk, override: Override
) -> None:
    check = Check(database, Trees(database))
    assert check.run(desk.tenant) == []
    text = "MATCH (o:Override {uid: $uid}) SET o.used_nano = o.used_nano + 1 RETURN count(o) AS n"
    spoil(database, text, uid=override.uid)
    name = f"override_used {override.override_id}"
    assert found(check.run(desk.tenant)) == {name: ("web", "3", "3.000000001")}
    assert check.run(desk.tenant, desk.uid("other")) == []


def test_what_was_forced_by_an_override_is_recomputed(
    database: Database, desk: Desk, override: Override
) -> None:
    del override
    text = "MATCH (w:Window {uid: $uid}) WHERE w.forced = 1000000000 SET w.forced = 0 RETURN count(w) AS n"
    spoil(database, text, uid=desk.uid("acme#amount@period"))
    findings = found(Check(database, Trees(database)).run(desk.tenant))
    assert findings == {"window_forced amount period": ("acme", "1", "0")}


def test_overrides_are_read_as_they_were_written_the_newest_first(
    database: Database, desk: Desk, override: Override
) -> None:
    desk.now_us += 1
    later = CreateOverride(desk.tenant, None, "p", "acme", usd(1), "another", NOW_US + HOUR_US, "a", "ann")
    second = desk.one(later, Override)
    desk.one(RevokeOverride(desk.tenant, None, second.override_id, "k"), Override)
    overrides = Overrides(database)
    (place, newest), (_, oldest) = overrides.page(desk.tenant, None, 10)
    assert (newest.override_id, newest.agent_id, newest.user_id) == (second.override_id, "a", "ann")
    assert newest.state_at(NOW_US) is OverrideState.REVOKED
    assert (oldest.override_id, oldest.used_nano) == (override.override_id, usd(3))
    assert [each for _, each in overrides.page(desk.tenant, place, 10)] == [oldest]
    with GraphLedgerStore(database).transaction() as transaction:
        assert transaction.open_overrides(desk.tenant, NOW_US) == [oldest]
        assert transaction.open_overrides(desk.tenant, NOW_US + HOUR_US) == []
        transaction.cancel()

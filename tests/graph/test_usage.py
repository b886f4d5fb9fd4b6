"""Pages of usage against a list in memory, with strides so short that every way of walking is taken."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from graph.database import Database
from graph.usage import UsagePage, UsagePages, UsageQuery
from ledger.model import uid_of
from tests.support.services import Caller, admin_of, budget, open_services, record, usage

COUNT = 90
STRIDES = (3, 5, 20)


@dataclass(frozen=True)
class History:
    """A tenant's usage, newest first, as it was recorded."""

    tenant: str
    rows: list[dict[str, Any]]

    def ids(self, wanted: Callable[[dict[str, Any]], bool]) -> list[str]:
        return [row["operationId"] for row in self.rows if wanted(row)]


@pytest.fixture
def admin(database: Database, tenant: str) -> Generator[Caller]:
    with open_services(database) as services:
        yield admin_of(services, tenant)


@pytest.fixture
def history(admin: Caller, tenant: str) -> History:
    budget(admin, "acme")
    for project in range(3):
        budget(admin, f"p{project}", "acme")
        for task in range(4):
            budget(admin, f"p{project}t{task}", f"p{project}")
    rows: list[dict[str, Any]] = []
    for number in range(COUNT):
        # p2 is an old project; several usages share an instant; a few are rare or unpriced.
        project = 2 if number < 15 else number % 2
        rows.append(
            usage(
                f"op{number:03d}",
                timestamp=f"2026-03-01T00:{number // 3:02d}:00Z",
                budgetId=f"p{project}t{number % 4}" if number % 7 else "acme",
                agentId=f"agent{number % 3}",
                sessionId=f"session{number % 10}",
                modelId="no-such-model" if number % 11 == 0 else ("gpt-4o", "gpt-4o-mini")[number % 2],
                userId="rare" if number % 40 == 1 else "common",
            )
        )
    record(admin, *rows)
    return History(tenant, rows[::-1])


def follow(pages: UsagePages, query: UsageQuery, *, short: bool = False) -> list[str]:
    """The operation ids of page after page; each full but the last, unless short ones may come."""
    found: list[str] = []
    while True:
        page = pages.page(query)
        found += [row["operation_id"] for row in page.rows]
        assert len(page.rows) <= query.first
        if not page.has_next:
            return found
        assert page.end is not None
        assert short or len(page.rows) == query.first
        query = replace(query, after=page.end)


@pytest.mark.parametrize("first", [1, 4, 7, 200])
def test_every_way_of_walking_gives_each_usage_once_newest_first(
    database: Database, history: History, first: int
) -> None:
    tenant, uid = history.tenant, lambda name: uid_of(history.tenant, name)
    walked = UsagePages(database, strides=STRIDES)
    below = {
        name: lambda row, name=name: row["budgetId"].startswith(name) for name in ("p0", "p1", "p2", "p0t1")
    }
    cases: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
        ({}, bool),
        ({"budget_uid": uid("acme")}, bool),
        *(({"budget_uid": uid(name)}, wanted) for name, wanted in below.items()),
        ({"agent_uid": uid("agent1")}, lambda row: row["agentId"] == "agent1"),
        ({"session_id": "session3"}, lambda row: row["sessionId"] == "session3"),
    ]
    for chosen, wanted in cases:
        query = UsageQuery(tenant, first=first, **chosen)
        assert follow(walked, query) == history.ids(wanted), chosen


@pytest.mark.parametrize("strides", [STRIDES, (200, 2000)])
@pytest.mark.parametrize("first", [1, 4])
def test_filters_may_shorten_pages_and_never_lose_a_usage(
    database: Database, history: History, first: int, strides: tuple[int, ...]
) -> None:
    tenant, uid = history.tenant, lambda name: uid_of(history.tenant, name)
    walked = UsagePages(database, strides=strides)
    cases: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
        ({"model_id": "gpt-4o"}, lambda row: row["modelId"] == "gpt-4o"),
        ({"user_id": "rare"}, lambda row: row["userId"] == "rare"),
        (
            {"user_id": "rare", "budget_uid": uid("p2")},
            lambda row: row["userId"] == "rare" and row["budgetId"].startswith("p2"),
        ),
        (
            {"model_id": "gpt-4o-mini", "budget_uid": uid("p1t3")},
            lambda row: row["modelId"] == "gpt-4o-mini" and row["budgetId"] == "p1t3",
        ),
        (
            {"agent_uid": uid("agent2"), "budget_uid": uid("p2")},
            lambda row: row["agentId"] == "agent2" and row["budgetId"].startswith("p2"),
        ),
        ({"pricing": "UNPRICED"}, lambda row: row["modelId"] == "no-such-model"),
        (
            {"pricing": "UNPRICED", "budget_uid": uid("p2")},
            lambda row: row["modelId"] == "no-such-model" and row["budgetId"].startswith("p2"),
        ),
        (
            {"pricing": "UNPRICED", "session_id": "session1"},
            lambda row: row["modelId"] == "no-such-model" and row["sessionId"] == "session1",
        ),
        (
            {"pricing": "PRICED", "agent_uid": uid("agent0")},
            lambda row: row["modelId"] != "no-such-model" and row["agentId"] == "agent0",
        ),
    ]
    for chosen, wanted in cases:
        query = UsageQuery(tenant, first=first, **chosen)
        assert follow(walked, query, short=strides is STRIDES) == history.ids(wanted), chosen


def test_a_stretch_of_time_begins_with_its_first_instant_and_ends_before_its_last(
    database: Database, history: History
) -> None:
    minute_us = 60_000_000
    start_us = 1_772_323_200_000_000  # 2026-03-01T00:00:00Z
    query = UsageQuery(
        history.tenant, from_us=start_us + 2 * minute_us, to_us=start_us + 4 * minute_us, first=4
    )
    expected = [f"op{number:03d}" for number in reversed(range(6, 12))]
    pages = UsagePages(database)
    assert follow(pages, query) == expected
    assert follow(pages, replace(query, budget_uid=uid_of(history.tenant, "acme"))) == expected
    unpriced = replace(query, pricing="UNPRICED")
    assert follow(pages, unpriced) == ["op011"]
    assert pages.page(replace(query, from_us=query.to_us)) == UsagePage([], None, has_next=False)


def test_an_agent_whose_id_looks_like_a_time_is_another_agent(database: Database, admin: Caller) -> None:
    at = "2026-03-01T00:00:00Z"
    record(
        admin,
        usage("mine", agentId="a", timestamp=at),
        usage("theirs", agentId="a/1772323200000000", timestamp=at),
    )
    tenant = admin.principal.tenant
    query = UsageQuery(tenant, agent_uid=uid_of(tenant, "a"), first=1)
    assert follow(UsagePages(database), query, short=True) == ["mine"]


def test_a_budget_without_charges_has_an_empty_page(database: Database, history: History) -> None:
    query = UsageQuery(history.tenant, budget_uid=uid_of(history.tenant, "nobody"))
    assert UsagePages(database).page(query) == UsagePage([], None, has_next=False)


def test_entries_come_by_usage(database: Database, history: History) -> None:
    priced, unpriced = (uid_of(history.tenant, each) for each in ("op001", "op000"))
    found = UsagePages(database).entries([priced, unpriced, "nobody/nothing"])
    assert list(found) == [priced]
    assert [entry.token_usage_id for entry in found[priced]] == ["op001"]

"""``verify`` on both engines: clean books agree, and each kind of corruption is found and named."""

import time
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from graph.check import Check
from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from ledger.check import Finding
from ledger.committer import Committer
from ledger.model import BudgetType, Meter, Recurrence, WindowKind
from ledger.tree import BudgetTree
from tests.support.desk import NOW_US, UNPRICED, Desk, limit, usd
from tests.support.histories import Step, histories, play

runs = iter(range(10**6))


@pytest.fixture
def desk(database: Database, tenant: str) -> Desk:
    """Two projects below a root: one in order, one for the tests to spoil."""
    desk = Desk(GraphLedgerStore(database), tenant)
    specs = (limit(Meter.TOKENS, 100, WindowKind.DAY), limit(Meter.REQUESTS, 10, WindowKind.LIFETIME))
    desk.do(
        desk.creation("acme", amount_nano=usd(10), recurrence=Recurrence.MONTHLY),
        desk.creation("web", "acme", amount_nano=usd(5), limits=specs),
        desk.creation("ann", "acme", budget_type=BudgetType.USER, resource_id="ann"),
        desk.creation("other", "acme"),
        desk.usage("a", usd(1), budget_id="web", prompt_tokens=60),
        desk.usage("b", usd(2), budget_id="web", user_id="ann", completion_tokens=5),
        desk.usage("late", usd(0.5), budget_id="web", timestamp="2026-10-30T09:00:00Z"),
        desk.usage("unpriced", UNPRICED, budget_id="web", prompt_tokens=7),
        desk.usage("other", usd(4), budget_id="other"),
        desk.usage("nobody", usd(8)),
    )
    return desk


@pytest.fixture
def check(database: Database) -> Check:
    return Check(database, Trees(database))


def spoil(database: Database, text: Any, **params: Any) -> None:
    """Change the graph past the ledger; something must have changed."""
    (row,) = database.writing(lambda transaction: transaction.run_text(text, params))
    assert row["n"] > 0


def ask(database: Database, text: Any, **params: Any) -> list[dict[str, Any]]:
    """Rows of the graph as it is."""
    return database.reading(lambda transaction: transaction.run_text(text, params))


def found(findings: list[Finding]) -> dict[str, tuple[str | None, str, str]]:
    """The findings by invariant; each is named once."""
    by_name = {each.invariant: (each.budget_id, each.expected, each.actual) for each in findings}
    assert len(by_name) == len(findings)
    return by_name


def told(findings: list[Finding]) -> list[tuple[str, str | None, str, str]]:
    """The findings without the names of windows and operations."""
    return sorted(
        (each.invariant.split()[0], each.budget_id, each.expected, each.actual) for each in findings
    )


def test_clean_books_agree(check: Check, desk: Desk) -> None:
    assert check.run(desk.tenant) == []
    assert check.run(desk.tenant, desk.uid("web")) == []
    assert check.run(f"{desk.tenant}-unknown") == []


def test_progress_is_told(check: Check, desk: Desk) -> None:
    seen: list[int] = []
    check.run(desk.tenant, progress=seen.append)
    assert seen[-1] == 5, "entries; the usage without a price has none"


@given(histories)
@settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_books_agree_whatever_was_ordered(database: Database, tenant: str, history: list[Step]) -> None:
    name = f"{tenant}-{next(runs)}"
    play(Desk(GraphLedgerStore(database), name), history, [5])
    assert Check(database, Trees(database)).run(name) == []


def test_a_window_that_counted_something_else_is_found(database: Database, check: Check, desk: Desk) -> None:
    spoil(
        database,
        "MATCH (w:Window {uid: $uid}) SET w.spent = w.spent - 500000000 RETURN count(w) AS n",
        uid=desk.uid("web#amount@period"),
    )
    assert found(check.run(desk.tenant)) == {"window_spent amount period": ("web", "3.5", "3")}


def test_windows_of_tokens_and_requests_are_counted_too(database: Database, check: Check, desk: Desk) -> None:
    spoil(
        database,
        "MATCH (w:Window) WHERE w.limit_uid = $tokens OR w.limit_uid = $requests "
        "SET w.spent = w.spent + 1 RETURN count(w) AS n",
        tokens=desk.uid("web#TOKENS/DAY"),
        requests=desk.uid("web#REQUESTS/LIFETIME"),
    )
    findings = found(check.run(desk.tenant))
    assert findings.pop("window_spent REQUESTS/LIFETIME lifetime") == ("web", "4", "5")
    assert sorted(findings.values()) == [("web", "0", "1"), ("web", "72", "73")], "October's day and today's"
    assert all(name.startswith("window_spent TOKENS/DAY ") for name in findings)


def test_forced_amounts_are_recomputed_from_the_charges_that_forced_them(
    database: Database, check: Check, desk: Desk
) -> None:
    desk.do(
        desk.usage("over", usd(3), budget_id="web", prompt_tokens=40),
        desk.usage("over, too", UNPRICED, budget_id="web", prompt_tokens=30),
        desk.usage("after", usd(2), budget_id="web"),
    )
    assert check.run(desk.tenant) == []
    forced = {
        row["uid"].removeprefix(desk.uid("")): row["forced"]
        for row in ask(
            database,
            "MATCH (w:Window) WHERE w.uid STARTS WITH $uid AND w.forced > 0 "
            "RETURN w.uid AS uid, w.forced AS forced",
            uid=desk.uid("web#"),
        )
    }
    assert forced.pop("web#amount@period") == usd(3.5), "1.50 of the first, all of the second"
    assert list(forced.values()) == [42], "72 of 100 tokens were used: 12 of the first, 30 without a price"
    day = next(iter(forced))
    spoil(
        database,
        "MATCH (w:Window {uid: $uid}) SET w.forced = w.forced - 1 RETURN count(w) AS n",
        uid=desk.uid(day),
    )
    (finding,) = check.run(desk.tenant)
    assert finding.invariant.startswith("window_forced TOKENS/DAY ")
    assert (finding.budget_id, finding.expected, finding.actual) == ("web", "42", "41")


def test_a_window_that_is_gone_is_found(database: Database, check: Check, desk: Desk) -> None:
    spoil(
        database,
        "MATCH (w:Window {uid: $uid}) DETACH DELETE w RETURN count(*) AS n",
        uid=desk.uid("web#amount@period"),
    )
    assert found(check.run(desk.tenant)) == {"window_spent amount period": ("web", "3.5", "0")}


def test_a_window_that_lies_elsewhere_is_found(database: Database, check: Check, desk: Desk) -> None:
    spoil(
        database,
        "MATCH (w:Window {uid: $uid}) SET w.end_us = 5 RETURN count(w) AS n",
        uid=desk.uid("web#amount@period"),
    )
    assert found(check.run(desk.tenant)) == {"window_bounds amount period": ("web", "None..None", "None..5")}


def test_an_entry_that_is_gone_is_found_on_every_budget_that_it_charged(
    database: Database, check: Check, desk: Desk
) -> None:
    spoil(
        database,
        "MATCH (:TokenUsage {uid: $uid})-[:INCURRED]->(e) DETACH DELETE e RETURN count(*) AS n",
        uid=desk.uid("b"),
    )
    findings = told(check.run(desk.tenant))
    assert [each[0] for each in findings if each[1] is None] == ["sequence"], "its number is nobody's"
    assert [each for each in findings if each[1] is not None] == [
        ("usage_entry", "web", "1 entry", "0 entries"),
        ("window_spent", "acme", "5", "7"),
        ("window_spent", "ann", "0", "2"),
        ("window_spent", "web", "1.5", "3.5"),
        ("window_spent", "web", "3", "4"),
        ("window_spent", "web", "67", "72"),
    ]


def test_an_event_that_is_gone_is_found_by_its_number(database: Database, check: Check, desk: Desk) -> None:
    desk.do(desk.creation("small", amount_nano=usd(1)), desk.usage("breaks", usd(2), budget_id="small"))
    assert check.run(desk.tenant) == []
    numbers = "MATCH (e:Event) WHERE e.tenant = $tenant RETURN e.seq AS n ORDER BY n DESC"
    gone = [row["n"] for row in ask(database, numbers, tenant=desk.tenant)]
    assert gone, "a warning, and that it is exceeded"
    spoil(
        database, "MATCH (e:Event {tenant: $tenant}) DETACH DELETE e RETURN count(*) AS n", tenant=desk.tenant
    )
    holes = [each.invariant.removeprefix("sequence ").split("..") for each in check.run(desk.tenant)]
    named = [number for hole in holes for number in range(int(hole[0]), int(hole[-1]) + 1)]
    assert sorted(named, reverse=True) == gone


def test_an_entry_whose_parts_are_not_its_total_is_found(
    database: Database, check: Check, desk: Desk
) -> None:
    spoil(
        database,
        "MATCH (:TokenUsage {uid: $uid})-[:INCURRED]->(e) "
        "SET e.prompt_cost_nano = e.prompt_cost_nano + 1 RETURN count(e) AS n",
        uid=desk.uid("a"),
    )
    (finding,) = check.run(desk.tenant)
    assert finding.invariant.startswith("entry_total ")
    assert (finding.budget_id, finding.expected, finding.actual) == ("web", "1.000000001", "1")


def test_an_entry_whose_total_was_changed_is_found_in_itself_and_in_its_windows(
    database: Database, check: Check, desk: Desk
) -> None:
    spoil(
        database,
        "MATCH (:TokenUsage {uid: $uid})-[:INCURRED]->(e) SET e.total_cost_nano = 0 RETURN count(e) AS n",
        uid=desk.uid("other"),
    )
    assert told(check.run(desk.tenant)) == [
        ("entry_total", "other", "4", "0"),
        ("window_spent", "acme", "3", "7"),
        ("window_spent", "other", "0", "4"),
    ]


def test_a_usage_without_entry_and_an_unpriced_one_with_entry_are_found(
    database: Database, check: Check, desk: Desk
) -> None:
    spoil(
        database,
        "MATCH (:TokenUsage {uid: $a})-[i:INCURRED]->(e), (u:TokenUsage {uid: $u}) "
        "DELETE i CREATE (u)-[:INCURRED]->(e) RETURN count(*) AS n",
        a=desk.uid("a"),
        u=desk.uid("unpriced"),
    )
    assert found(check.run(desk.tenant)) == {
        "usage_entry a": ("web", "1 entry", "0 entries"),
        "usage_entry unpriced": ("web", "no entry", "1 entries"),
    }


def test_an_entry_that_is_there_twice_is_found(database: Database, check: Check, desk: Desk) -> None:
    spoil(
        database,
        "MATCH (u:TokenUsage {uid: $uid})-[:INCURRED]->(e)-[:CHARGED_TO]->(p) "
        "CREATE (u)-[:INCURRED]->(copy:CostEntry {uid: e.uid + 'x', kind: 'usage', seq: e.seq, "
        "tenant: e.tenant, charge_path: e.charge_path, charged_at_us: e.charged_at_us, operations: 1, "
        "total_cost_nano: e.total_cost_nano, prompt_cost_nano: e.total_cost_nano, completion_cost_nano: 0, "
        "other_cost_nano: 0, prompt_tokens: 0, completion_tokens: 0})-[:CHARGED_TO]->(p) "
        "RETURN count(copy) AS n",
        uid=desk.uid("other"),
    )
    findings = found(check.run(desk.tenant))
    assert findings["usage_entry other"] == ("other", "1 entry", "2 entries")
    assert findings["window_spent amount period"] == ("other", "8", "4")
    assert len(findings) == 3, "and on the root"


def test_an_entry_on_a_path_that_does_not_exist_is_found(
    database: Database, check: Check, desk: Desk
) -> None:
    spoil(
        database,
        "MATCH (:TokenUsage {uid: $uid})-[:INCURRED]->(e) SET e.charge_path = 'nowhere' RETURN count(e) AS n",
        uid=desk.uid("other"),
    )
    names = {each.invariant.split()[0]: each for each in check.run(desk.tenant)}
    assert names["charge_path"].actual == "no nowhere"
    assert check.run(desk.tenant, desk.uid("web")) == [], "whose it was nobody knows"


def test_a_check_of_a_subtree_says_nothing_about_what_is_outside(
    database: Database, check: Check, desk: Desk
) -> None:
    spoil(
        database,
        "MATCH (u:TokenUsage {uid: $uid})-[i:INCURRED]->(e) "
        "SET e.prompt_cost_nano = 0 DELETE i RETURN count(e) AS n",
        uid=desk.uid("other"),
    )
    for budget_id in ("other", "unattributed"):
        spoil(
            database,
            "MATCH (w:Window {uid: $uid}) SET w.spent = 9 RETURN count(w) AS n",
            uid=desk.uid(f"{budget_id}#amount@period"),
        )
    assert check.run(desk.tenant, desk.uid("web")) == []
    assert {each.budget_id for each in check.run(desk.tenant, desk.uid("other"))} == {"other"}
    assert {each.budget_id for each in check.run(desk.tenant, desk.uid("acme"))} == {"other"}
    assert {each.budget_id for each in check.run(desk.tenant)} == {"other", "unattributed"}


def test_books_agree_while_they_are_written(database: Database, check: Check, desk: Desk) -> None:
    committer = Committer(GraphLedgerStore(database), clock=lambda: NOW_US)
    committer.start()
    batches = [
        [desk.usage(f"{number}-{row}", 1, budget_id="web") for row in range(20)] for number in range(25)
    ]
    calls: list[list[Any]] = []

    def write() -> None:
        calls.extend(committer.submit_blocking(batch, 120) for batch in batches)

    writer = Thread(target=write)
    writer.start()
    looked = 0
    while writer.is_alive() or not looked:
        assert check.run(desk.tenant) == []
        looked += 1
    writer.join()
    committer.stop()
    assert len(calls) == 25
    assert check.run(desk.tenant) == []


class MovingTrees(Trees):
    """Trees of a tenant in which a budget is made after each look, until there are nine."""

    desk: Desk | None = None

    def get(self, tenant: str) -> BudgetTree:
        tree = super().get(tenant)
        if self.desk is not None and len(tree) < 9:
            self.desk.create(f"new-{len(tree)}", "acme")
        return tree


def test_budgets_that_are_made_while_it_looks_again_do_not_stop_it(database: Database, desk: Desk) -> None:
    """Who looks under the ledger's lock and wants the newest budgets must not wait for that lock."""
    spoil(
        database,
        "MATCH (w:Window {uid: $uid}) SET w.spent = 1 RETURN count(w) AS n",
        uid=desk.uid("web#amount@period"),
    )
    trees = MovingTrees(database)
    trees.desk = desk
    begun = time.monotonic()
    findings = found(Check(database, trees).run(desk.tenant))
    assert [each.split()[0] for each in findings] == ["window_spent"]
    assert len(Trees(database).get(desk.tenant)) == 9
    assert time.monotonic() - begun < 30, "the engine ends what waits for itself after 60 s"


def test_delegations_that_are_not_linked_and_a_ledger_that_counts_wrong_are_found(
    database: Database, desk: Desk, check: Check, tenant: str
) -> None:
    desk.do(
        desk.usage("parent", usd(1), budget_id="web"),
        desk.usage("child", usd(1), budget_id="web", parent_operation_id="parent"),
        desk.usage("early", usd(1), budget_id="other", parent_operation_id="comes-later"),
    )
    assert check.run(tenant) == []
    uids = {name: desk.uid(name) for name in ("child", "early")}
    spoil(
        database,
        "MATCH ()-[d:DELEGATED]->(u:TokenUsage {uid: $child}) DELETE d RETURN count(*) AS n",
        **uids,
    )
    spoil(
        database,
        "MATCH (u:TokenUsage {uid: $early}) SET u.awaits_uid = null RETURN count(u) AS n",
        **uids,
    )
    assert found(check.run(tenant)) == {
        "delegation child": ("web", "1 link", "0 links"),
        "delegation early": ("other", "to wait for comes-later", "0 links"),
        "ledger_awaited": (None, "0 wait", "1 wait"),
    }
    assert set(found(check.run(tenant, desk.uid("web")))) == {"delegation child"}

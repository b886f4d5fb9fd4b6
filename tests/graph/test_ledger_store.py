"""The ledger's store on both engines: the same answers and the same books as a store in memory."""

import random
import threading
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from graph.database import Database
from graph.engines import Connection
from graph.ledger import GraphLedgerStore
from graph.migrations import MIGRATIONS, migrate
from ledger.batch import Batch
from ledger.changes import Changes
from ledger.commands import Command
from ledger.committer import Committer
from ledger.errors import Unavailable
from ledger.model import BudgetType, Meter, WindowKind
from ledger.ports import Wanted
from ledger.results import RecordedUsage
from ledger.state import TenantState
from tests.ledger.books import BookDesk
from tests.support.desk import NOW_US, UNPRICED, Desk, limit, usd
from tests.support.graph_books import graph_books, memory_books
from tests.support.histories import Step, histories, play

SECONDS_MAX = 120


@pytest.fixture
def desk(database: Database, tenant: str) -> Desk:
    return Desk(GraphLedgerStore(database), tenant)


def ask(database: Database, text: Any, **params: Any) -> list[dict[str, Any]]:
    """The rows of a bare text."""
    return database.reading(lambda transaction: transaction.run_text(text, params))


class Processes(Desk):
    """Several processes that take turns, and now and then one that begins anew."""

    def __init__(self, database: Database, tenant: str) -> None:
        super().__init__(GraphLedgerStore(database), tenant)
        self._memories: list[dict[str, TenantState]] = [{}, {}, {}]
        self._turn = 0

    def commit(self, *commands: Command) -> Batch:
        self._turn += 1
        self.states = self._memories[self._turn % 3]
        if self._turn % 5 == 0:
            self.states.clear()
        return super().commit(*commands)


histories_of_the_day = settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
runs = iter(range(10**6))


@given(histories)
@histories_of_the_day
def test_a_graph_gives_the_same_answers_and_the_same_books_as_a_memory(
    database: Database, tenant: str, history: list[Step]
) -> None:
    name = f"{tenant}-{next(runs)}"
    reference, processes = BookDesk(tenant=name), Processes(database, name)
    expected = play(reference, history, [1, 7, 3])
    found = play(processes, history, [1, 7, 3])
    for (command, left, _), (_, right, _) in zip(expected, found, strict=True):
        assert (type(left), str(left)) == (type(right), str(right)), command
    books, reference_books = graph_books(database, name), memory_books(reference.books, name)
    for part, content in reference_books.items():
        assert books[part] == content, part


AT_US = NOW_US - 3600 * 10**6
SENT = {
    "budget_id": "b",
    "provider": "openai",
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "cache_read_tokens": 10,
    "cache_write_tokens": 9,
    "cache_write_1h_tokens": 8,
    "reasoning_tokens": 7,
    "audio_input_tokens": 6,
    "audio_output_tokens": 5,
    "image_input_tokens": 4,
    "image_output_tokens": 3,
    "timestamp": "2026-11-22T08:00:00Z",
    "user_id": "ann",
    "session_id": "s",
    "region": "eu",
    "parent_operation_id": "none",
    "outcome": "ERROR",
    "category": "chat",
    "tags": {"b": 1, "a": "x"},
}


def recorded_in_full(database: Database, desk: Desk) -> tuple[dict[str, Any], dict[str, Any], str]:
    """The properties of a usage that says all that can be said, those of its entry, and its path's uid."""
    desk.create("b")
    desk.record("op", usd(1), **SENT)
    (row,) = ask(
        database,
        "MATCH (u:TokenUsage {uid: $uid})-[:INCURRED]->(e)-[:CHARGED_TO]->(p) "
        "RETURN properties(u) AS u, properties(e) AS e, p.uid AS p",
        uid=desk.uid("op"),
    )
    return row["u"], row["e"], row["p"]


def test_every_property_of_a_usage_has_the_name_that_others_read(database: Database, desk: Desk) -> None:
    t = desk.tenant
    usage, _, path = recorded_in_full(database, desk)
    assert len(usage.pop("fingerprint")) == 48
    assert usage == usage_properties(t, path)


def usage_properties(t: str, path: str) -> dict[str, Any]:
    return {
        "uid": f"{t}/op",
        "tenant": t,
        "operation_id": "op",
        "agent_id": "agent",
        "agent_uid": f"{t}/agent",
        "capability_type": "chat",
        "model_id": "m",
        "provider": "openai",
        "timestamp_us": AT_US,
        "recorded_at_us": NOW_US,
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "cache_read_tokens": 10,
        "cache_write_tokens": 9,
        "cache_write_1h_tokens": 8,
        "reasoning_tokens": 7,
        "audio_input_tokens": 6,
        "audio_output_tokens": 5,
        "image_input_tokens": 4,
        "image_output_tokens": 3,
        "user_id": "ann",
        "session_id": "s",
        "session_uid": f"{t}/s",
        "region": "eu",
        "parent_operation_id": "none",
        "awaits_uid": f"{t}/none",
        "outcome": "ERROR",
        "category": "chat",
        "tags": '{"a":"x","b":1}',
        "usage_reported": True,
        "budget_id": "b",
        "charge_path": path,
        "resource_type": "LLMTokens",
        "pricing": "PRICED",
        "time_key": f"{t}/{AT_US:016d}/op",
        "path_key": f"{path}/{AT_US:016d}/op",
        "agent_key": f"{t}/agent/{AT_US:016d}/op",
    }


def test_every_property_of_an_entry_has_the_name_that_others_read(database: Database, desk: Desk) -> None:
    t = desk.tenant
    _, entry, path = recorded_in_full(database, desk)
    assert entry == entry_properties(t, path)


def entry_properties(t: str, path: str) -> dict[str, Any]:
    return {
        "uid": f"{t}/{1:016d}",
        "tenant": t,
        "token_usage_id": "op",
        "kind": "usage",
        "currency": "USD",
        "prompt_cost_nano": 500_000_000,
        "completion_cost_nano": 333_333_333,
        "other_cost_nano": 166_666_667,
        "total_cost_nano": 1_000_000_000,
        "price_source": "test",
        "seq": 1,
        "charged_at_us": AT_US,
        "recorded_at_us": NOW_US,
        "charge_path": path,
        "operations": 1,
        "prompt_tokens": 100,
        "completion_tokens": 50,
    }


def test_the_relationships_are_those_of_the_design(database: Database, desk: Desk) -> None:
    desk.create("acme", budget_type=BudgetType.PLATFORM, resource_id="acme", amount_nano=5)
    desk.create("web", "acme", budget_type=BudgetType.PROJECT, resource_id="web")
    desk.create("ann", "acme", budget_type=BudgetType.USER, resource_id="ann")
    desk.create(
        "task", "web", budget_type=BudgetType.TASK, resource_id="t1", limits=(limit(Meter.TOKENS, 9),)
    )
    desk.register("agent", "mother", "father", budget_id="task")
    desk.do(desk.usage("priced", 5, user_id="ann"), desk.usage("unpriced", UNPRICED))
    found = {
        (row["start"], row["kind"], row["end"])
        for row in ask(
            database,
            "MATCH (a)-[r]->(b) WHERE a.uid STARTS WITH $tenant "
            "RETURN a.uid AS start, type(r) AS kind, b.uid AS end",
            tenant=f"{desk.tenant}/",
        )
    }
    t = desk.tenant
    entry = f"{t}/{1:016d}"
    (scoped,) = {end for start, kind, end in found if (start, kind) == (entry, "CHARGED_TO")}
    (alone,) = {end for start, kind, end in found if (start, kind) == (f"{t}/unpriced", "CHARGED_TO")}
    assert scoped != alone
    assert found == {
        *((f"{t}/{parent}", "PARENT_OF", f"{t}/agent") for parent in ("mother", "father")),
        *((f"{t}/agent", "CONSUMED", f"{t}/{each}") for each in ("priced", "unpriced")),
        (f"{t}/priced", "INCURRED", entry),
        (entry, "CHARGED_TO", scoped),
        (f"{t}/unpriced", "CHARGED_TO", alone),
        *((scoped, "LEADS_TO", f"{t}/{each}") for each in ("task", "web", "acme", "ann")),
        *((alone, "LEADS_TO", f"{t}/{each}") for each in ("task", "web", "acme")),
        (f"{t}/acme", "PARENT_OF", f"{t}/web"),
        (f"{t}/acme", "PARENT_OF", f"{t}/ann"),
        (f"{t}/web", "PARENT_OF", f"{t}/task"),
        (f"{t}/acme", "ALLOCATED_TO", f"{t}/platform:acme"),
        (f"{t}/web", "ALLOCATED_TO", f"{t}/project:web"),
        (f"{t}/ann", "ALLOCATED_TO", f"{t}/user:ann"),
        (f"{t}/task", "ALLOCATED_TO", f"{t}/task:t1"),
        *(
            (f"{t}/{each}", "LIMITED_BY", f"{t}/{each}#amount")
            for each in ("acme", "web", "ann", "task", "unattributed")
        ),
        (f"{t}/task", "LIMITED_BY", f"{t}/task#TOKENS/PERIOD"),
        *(
            (f"{t}/{each}#amount", "HAS_WINDOW", f"{t}/{each}#amount@period")
            for each in ("acme", "web", "ann", "task")
        ),
        (f"{t}/task#TOKENS/PERIOD", "HAS_WINDOW", f"{t}/task#TOKENS/PERIOD@period"),
    }


@pytest.mark.parametrize("kind", list(BudgetType))
def test_a_budget_is_allocated_to_a_node_of_its_kind(
    database: Database, desk: Desk, kind: BudgetType
) -> None:
    for budget_id in ("one", "two"):
        desk.create(budget_id, budget_type=kind, resource_id="r")
    desk.update("one", name="still the same")
    (row,) = ask(
        database,
        "MATCH (b:Budget)-[:ALLOCATED_TO]->(r:Resource {uid: $uid}) "
        "RETURN labels(r) AS labels, collect(b.budget_id) AS budgets, r.resource_id AS id",
        uid=f"{desk.tenant}/{kind.value}:r",
    )
    expected = {"Resource"} if kind is BudgetType.AGENT else {"Resource", kind.value.capitalize()}
    assert (set(row["labels"]), sorted(row["budgets"]), row["id"]) == (expected, ["one", "two"], "r")


def test_what_a_change_removes_is_gone(database: Database, desk: Desk) -> None:
    specs = (limit(Meter.TOKENS, 9, WindowKind.DAY),)
    desk.create("b", amount_nano=5, resource_id="r", name="x", priority=1, period_end_us=NOW_US, limits=specs)
    gone = {"amount_nano": None, "resource_id": None, "name": None, "priority": None, "period_end_us": None}
    changed = desk.update("b", **gone, limits=())
    fresh = Desk(desk.store, desk.tenant)
    assert fresh.update("b", name=None) == changed
    (row,) = ask(
        database,
        "MATCH (b:Budget {uid: $uid}) RETURN properties(b) AS b, "
        "size([(b)-[:ALLOCATED_TO]->(r) | r]) AS resources, "
        "[(b)-[:LIMITED_BY]->(l) | properties(l)] AS limits",
        uid=desk.uid("b"),
    )
    assert not set(gone) & set(row["b"])
    assert row["resources"] == 0
    assert [each["key"] for each in row["limits"]] == ["amount"]
    assert "amount" not in row["limits"][0]


def test_a_move_leaves_one_parent(database: Database, desk: Desk) -> None:
    for budget_id in ("a", "b", "c"):
        desk.create(budget_id)
    parents = "MATCH (p:Budget)-[:PARENT_OF]->(b:Budget {uid: $uid}) RETURN p.budget_id AS parent"
    for parent, expected in (("a", ["a"]), ("b", ["b"]), (None, [])):
        desk.move("c", parent)
        assert [row["parent"] for row in ask(database, parents, uid=desk.uid("c"))] == expected


def test_what_fails_or_writes_nothing_leaves_nothing(database: Database, desk: Desk) -> None:
    count = "MATCH (n) WHERE n.uid STARTS WITH $tenant RETURN count(n) AS n"
    desk.do(desk.creation("b", "nobody"))
    assert ask(database, count, tenant=desk.tenant) == [{"n": 0}], "not even the tenant"

    class Broken(Exception):
        pass

    def break_off() -> None:
        with desk.store.transaction() as transaction:
            transaction.lock([desk.tenant], Wanted())
            raise Broken

    with pytest.raises(Broken):
        break_off()
    assert ask(database, count, tenant=desk.tenant) == [{"n": 0}]


def write(desk: Desk, changes: Changes) -> None:
    """Commit changes that were decided elsewhere."""
    with desk.store.transaction() as transaction:
        transaction.lock([desk.tenant], Wanted())
        transaction.write([changes])


def test_an_operation_that_leads_to_nowhere_is_not_lost_without_a_word(
    database: Database, desk: Desk
) -> None:
    desk.record("a", 1)
    reference = BookDesk(tenant=desk.tenant)
    reference.record("a", 1)
    changes = reference.commit(reference.usage("b", 1, agent_id="stranger")).changes[0]
    before = graph_books(database, desk.tenant)
    without = Changes(head=changes.head, windows=changes.windows, operations=changes.operations)
    with pytest.raises(Unavailable):
        write(desk, without)
    assert graph_books(database, desk.tenant) == before


def test_an_operation_that_somebody_else_recorded_meanwhile_is_decided_again(desk: Desk) -> None:
    desk.record("a", 1)
    reference = BookDesk(tenant=desk.tenant)
    reference.record("a", 1)
    changes = reference.commit(reference.usage("b", 1)).changes[0]
    desk.record("b", 1)
    with pytest.raises(Unavailable):
        write(desk, changes)


@pytest.fixture
def two_databases(database: Database) -> Generator[tuple[Database, Database]]:
    """The graph as two processes reach it."""
    with Database(database.connection) as other:
        yield database, other


def running(database: Database) -> Committer:
    """A committer that runs on a database."""
    committer = Committer(GraphLedgerStore(database), clock=lambda: NOW_US)
    committer.start()
    return committer


def test_a_tenant_is_founded_once_by_two_at_once(
    two_databases: tuple[Database, Database], tenant: str
) -> None:
    committers = [running(each) for each in two_databases]
    barrier = threading.Barrier(2)

    def found(number: int) -> list[Any]:
        barrier.wait(SECONDS_MAX)
        command = Desk(GraphLedgerStore(two_databases[number]), tenant).usage(f"{number}", 1)
        return committers[number].submit_blocking([command], SECONDS_MAX)

    with ThreadPoolExecutor(2) as both:
        answers = [answer for (answer,) in both.map(found, range(2))]
    for each in committers:
        each.stop()
    assert all(isinstance(answer, RecordedUsage) and not answer.duplicate for answer in answers)
    books = graph_books(two_databases[0], tenant)
    assert list(books["budgets"]) == [f"{tenant}/unattributed"]
    assert sorted(entry["seq"] for entry in books["entries"].values()) == [1, 2]
    assert books["windows"][f"{tenant}/unattributed#amount@period"].spent == 2
    nodes = "MATCH (n) WHERE n.tenant = $tenant AND (n:Ledger OR n:Fold) RETURN count(n) AS n"
    assert ask(two_databases[0], nodes, tenant=tenant) == [{"n": 2}]


def test_two_processes_on_one_neo4j_charge_overlapping_ids_once(
    neo4j_engine: Connection, tenant: str
) -> None:
    ids = [f"op-{number}" for number in range(300)]
    with Database(neo4j_engine) as one, Database(neo4j_engine) as two:
        migrate(one, MIGRATIONS)
        Desk(GraphLedgerStore(one), tenant).do(
            *(
                Desk(GraphLedgerStore(one), tenant).creation(*each, amount_nano=400)
                for each in (("root", None), ("left", "root"), ("right", "root"))
            )
        )
        committers = [running(one), running(two)]
        commands = Desk(GraphLedgerStore(one), tenant)

        def client(seed: int) -> list[tuple[str, bool]]:
            rng, said = random.Random(seed), list[tuple[str, bool]]()
            for _ in range(6):
                chosen = rng.sample(ids, rng.choice([1, 1, 40]))
                answers = committers[seed % 2].submit_blocking(
                    [commands.usage(each, 2, budget_id=("left", "right")[len(each) % 2]) for each in chosen],
                    SECONDS_MAX,
                )
                said += [
                    (each, answer.duplicate)
                    for each, answer in zip(chosen, answers, strict=True)
                    if isinstance(answer, RecordedUsage)
                ]
            return said

        with ThreadPoolExecutor(16) as clients:
            said = [answer for answers in clients.map(client, range(16)) for answer in answers]
        for each in committers:
            each.stop()
        books = graph_books(one, tenant)
    seen = {each for each, _ in said}
    assert len(books["usages"]) == len(books["entries"]) == len(seen)
    firsts = Counter(each for each, duplicate in said if not duplicate)
    assert dict(firsts) == dict.fromkeys(seen, 1)
    spent = {uid: window.spent for uid, window in books["windows"].items()}
    assert spent[f"{tenant}/root#amount@period"] == 2 * len(seen)
    assert spent[f"{tenant}/left#amount@period"] + spent[f"{tenant}/right#amount@period"] == 2 * len(seen)
    seqs = sorted(
        [entry["seq"] for entry in books["entries"].values()]
        + [event["seq"] for event in books["events"].values()]
    )
    assert seqs == list(range(1, books["head"][0] + 1))
    told = sum(len(window.told) for window in books["windows"].values())
    assert len(books["events"]) == told >= 2

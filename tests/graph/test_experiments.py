"""Experiments in the graph: pages of any size give the same whole, repeated writes are harmless."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from evolution.analysis import Analysis
from evolution.columns import CostsBySource
from evolution.records import AgentNode, Evaluation, Experiment, Operator, Role
from evolution.selections import replay, select
from evolution.selectors.base import Candidate
from evolution.selectors.tournament import Tournament
from evolution.stored import EvaluationEntry, MemberEntry, StoredExperiment, StoredSelection, Written
from graph.database import Database
from graph.evolution import Experiments
from graph.ledger import Trees
from ledger.commands import RegisterAgent
from ledger.model import Agent, uid_of
from tests.support.services import admin_of, budget, open_services, record, usage

NAMES = ["a", "a/b", "b", "ü"]


def stored(tenant: str, experiment_id: str = "e", **said: Any) -> StoredExperiment:
    said_of_it = replace(Experiment(experiment_id, budget_id="lab", c0_nano=10**9), **said)
    return StoredExperiment(tenant, said_of_it, uid_of(tenant, "lab")).with_fingerprint()


@pytest.fixture
def known(database: Database, tenant: str) -> str:
    """A tenant with a budget, agents and usage, as the ledger has them."""
    with open_services(database) as services:
        caller = admin_of(services, tenant)
        budget(caller, "lab", budgetType="EXPERIMENT")
        record(caller, *[usage(f"op{number}", providerCost="0.25") for number in range(20)])
        commands = [RegisterAgent(tenant, None, name) for name in NAMES]
        answers = asyncio.run(services.ledger.register_many(commands))
        assert all(isinstance(each, Agent) for each in answers)
    return tenant


def members() -> list[MemberEntry]:
    return [
        MemberEntry(AgentNode("a")),
        MemberEntry(AgentNode("b", ("a",), 1, Operator.MUTATION, "north")),
        MemberEntry(AgentNode("a/b", ("b", "a"), 2, Operator.CROSSOVER)),
        MemberEntry(AgentNode("ü", ("elsewhere",), 0, Operator.MIGRANT)),
    ]


def evaluations() -> list[EvaluationEntry]:
    rows = [
        EvaluationEntry(
            f"v{number:02d}",
            Evaluation(
                NAMES[number % 4],
                f"t{number % 3}",
                None if number % 7 == 6 else number % 2,
                None,
                float(number),
                operation_ids=(f"op{number}",),
            ),
        )
        for number in range(20)
    ]
    imported = Evaluation("a", "t9", 1.0, 7, role=Role.BUILD)
    return [*rows, EvaluationEntry("w", imported), EvaluationEntry("x", Evaluation("a", "t8", 1.0, None))]


def filled(database: Database, tenant: str, page: int = 10_000) -> tuple[Experiments, StoredExperiment]:
    store = Experiments(database, page=page)
    experiment = store.create(stored(tenant))
    assert set(store.record_members(experiment, members())) <= {Written.NEW, Written.DUPLICATE}
    assert set(store.record_evaluations(experiment, evaluations())) <= {Written.NEW, Written.DUPLICATE}
    return store, experiment


def test_what_is_read_is_what_was_written_whatever_the_page(database: Database, known: str) -> None:
    tree = Trees(database).get(known)
    wholes: list[tuple[Any, ...]] = []
    for page in (1, 3, 22, 10_000):
        store, experiment = filled(database, known, page)
        found = store.everything(experiment, tree, 1_000)
        assert found is not None
        nodes, columns = found
        wholes.append((nodes, list(columns.records()), columns.by_source))
    assert all(each == wholes[0] for each in wholes)
    nodes, rows, sources = wholes[0]
    assert nodes == sorted((each.node for each in members()), key=lambda node: node.agent_id)
    assert len(rows) == 22
    assert sources == CostsBySource(20 * 250_000_000, 20, 7, 1, 1)
    by_hand = {(each.agent_id, each.task_id, each.role, each.trial) for each in rows}
    assert len(by_hand) == 22
    analysis = Analysis(stored(known).record, nodes, rows, sources)
    assert [(each.agent_id, each.parent_id) for each in analysis.lineage.dangling] == [("ü", "elsewhere")]
    assert analysis.clades.tree_cost_nano == 20 * 250_000_000 + 7


def test_an_experiment_that_is_too_large_is_not_read(database: Database, known: str) -> None:
    store, experiment = filled(database, known, page=5)
    assert store.everything(experiment, Trees(database).get(known), 21) is None


def test_a_repeated_batch_writes_nothing(database: Database, known: str) -> None:
    store, experiment = filled(database, known)
    assert set(store.record_members(experiment, members())) == {Written.DUPLICATE}
    assert set(store.record_evaluations(experiment, evaluations())) == {Written.DUPLICATE}
    again = store.create(stored(known))
    assert again.fingerprint == experiment.fingerprint
    assert store.create(stored(known, seed=4)).fingerprint != stored(known, seed=4).fingerprint


def test_ids_with_slashes_do_not_reach_into_another_experiment(database: Database, known: str) -> None:
    store = Experiments(database)
    outer, inner = store.create(stored(known, "e")), store.create(stored(known, "e/a"))
    store.record_members(inner, [MemberEntry(AgentNode("b"))])
    store.record_members(outer, [MemberEntry(AgentNode("a/b"))])
    assert store.members(outer, None, 10) == ([AgentNode("a/b")], False)
    assert store.members(inner, None, 10) == ([AgentNode("b")], False)


def test_another_tenant_has_the_same_ids(database: Database, known: str) -> None:
    store, experiment = filled(database, known)
    other = stored(f"{known}x")
    assert other.key != experiment.key
    assert store.get([other.uid]) == {}
    assert store.record_members(other, [MemberEntry(AgentNode("a"))]) == [Written.MISSING]


def test_a_conflict_in_one_batch_is_told(database: Database, known: str) -> None:
    store = Experiments(database)
    experiment = store.create(stored(known))
    rows = [
        MemberEntry(AgentNode("a")),
        MemberEntry(AgentNode("a", generation=1)),
        MemberEntry(AgentNode("z")),
    ]
    assert store.record_members(experiment, rows) == [Written.NEW, Written.CONFLICT, Written.MISSING]
    assert store.members(experiment, None, 10) == ([AgentNode("a")], False)


def test_a_log_may_grow_and_is_no_part_of_the_content(database: Database, known: str) -> None:
    store, experiment = filled(database, known)
    first = evaluations()[0]
    assert store.record_evaluations(experiment, [replace(first, log='{"n":1}')]) == [Written.DUPLICATE]
    assert store.record_evaluations(experiment, [replace(first, log='{"n":2}')]) == [Written.DUPLICATE]
    assert store.record_evaluations(experiment, [first]) == [Written.DUPLICATE]
    assert store.logs(experiment, ["v00", "v01"]) == {"v00": '{"n":2}'}
    assert list(Experiments(database, page=3).all_logs(experiment)) == ['{"n":2}']


def test_references_are_frozen_once(database: Database, known: str) -> None:
    store = Experiments(database)
    experiment = store.create(stored(known, c0_nano=None))
    first = replace(experiment, record=replace(experiment.record, c0_nano=5, task_c0_nano={"t": 6}))
    second = replace(experiment, record=replace(experiment.record, c0_nano=7))
    assert store.freeze(first).record.c0_nano == 5
    frozen = store.freeze(second)
    assert (frozen.frozen, frozen.record) == (True, first.record)
    assert store.get([experiment.uid])[experiment.uid] == frozen


def test_a_selection_is_kept_once_and_comes_back_whole(database: Database, known: str) -> None:
    store, experiment = filled(database, known)
    rows = [Candidate(name, 0.1 * place, 0.5, 1.0) for place, name in enumerate(NAMES)]
    made = select(Tournament(), rows, 6, 3, replace=True, selection_id="s", experiment_id="e", generation=2)
    kept = store.keep(experiment, StoredSelection(made, "wish", 5))
    assert kept == StoredSelection(made, "wish", 5)
    assert replay(kept.selection) == made
    assert store.keep(experiment, StoredSelection(made, "other wish", 6)) == kept
    assert store.selection(experiment, "s") == kept
    assert store.selections(experiment, None, 10) == [kept]
    chose = "MATCH (:Selection {uid: $uid})-[c:CHOSE]->(m:Member) RETURN m.agent_id AS id ORDER BY c.rank"
    uid = experiment.uid_within("s")
    found = database.reading(lambda transaction: transaction.run_text(chose, {"uid": uid}))
    assert [row["id"] for row in found] == list(made.chosen)


def test_writers_at_once_write_each_row_once(database: Database, known: str) -> None:
    stores = [Experiments(database) for _ in range(4)]
    experiment = stores[0].create(stored(known))
    stores[0].record_members(experiment, members())
    found: list[list[Written]] = []

    def write(store: Experiments) -> None:
        found.append(store.record_evaluations(experiment, evaluations()))

    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert sum(each is Written.NEW for rows in found for each in rows) == len(evaluations())


def test_a_budgets_resource_of_that_kind_is_no_experiment(database: Database, known: str) -> None:
    with open_services(database) as services:
        caller = admin_of(services, known)
        for name in ("r", "e"):
            budget(caller, f"on-{name}", budgetType="EXPERIMENT", resourceId=name)
    store = Experiments(database)
    names = ["e", "experiment:r", "r"]
    for name in reversed(names):
        store.create(stored(known, name))
    assert [each.experiment_id for each in store.page(known, None, 10)] == names
    assert [each.experiment_id for each in store.page(known, "e", 1)] == ["experiment:r"]
    lab, other = uid_of(known, "lab"), uid_of(known, "on-r")
    assert len(store.page(known, None, 10, [lab])) == 3
    assert store.page(known, None, 10, [other]) == []

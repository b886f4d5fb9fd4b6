"""What experiments keep in the graph: written in batches of which a bad row fails alone, read by pages."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from cypher import evolution as queries
from cypher.query import CypherQuery
from evolution.columns import Evaluations
from evolution.records import AgentNode, Operator
from evolution.stored import (
    EvaluationEntry,
    MemberEntry,
    StoredExperiment,
    StoredSelection,
    Written,
    experiment_uid,
)
from graph.audit import act, write_entries
from graph.database import Database, Transaction
from graph.errors import ConstraintViolation
from graph.evolution.costs import price
from graph.evolution.rows import (
    Properties,
    evaluation_properties,
    experiment_of,
    experiment_properties,
    frozen_text,
    member_properties,
    selection_of,
    selection_properties,
)
from ledger.model import uid_of
from ledger.tree import BudgetTree

T = TypeVar("T")

ATTEMPTS: Final = 5
PAGE: Final = 10_000
"""How many rows are read at a time where all are read."""


class Experiments:
    """The experiments of a database. Thread-safe."""

    def __init__(self, database: Database, *, page: int = PAGE) -> None:
        """Work on a database; ``page`` bounds what is in memory beside the answer."""
        self._database = database
        self._page = page
        # The embedded engine lets one of two writers of a node fail: here they take turns.
        self._writing = threading.Lock()

    def create(self, said: StoredExperiment, author: str | None = None) -> StoredExperiment:
        """A new experiment, or the one that has its id: equal content gives an equal ``fingerprint``.

        Its budget exists. ``author`` is the id of the key that asks.
        """
        params: queries.NewExperiment = {
            "uid": said.uid,
            "budget_uid": said.budget_uid,
            "properties": experiment_properties(said),
        }

        def work(transaction: Transaction) -> StoredExperiment:
            found = transaction.run(queries.EXPERIMENTS, {"uids": [said.uid]})
            if not found:
                found = transaction.run(queries.CREATE, params)
                _audit(transaction, author, "experiment.create", None, found)
            return experiment_of(found[0]["experiment"])

        return self._written(work)

    def get(self, uids: Iterable[str]) -> dict[str, StoredExperiment]:
        """Those of the experiments that exist, by uid."""
        rows = self._database.read(queries.EXPERIMENTS, {"uids": list(uids)})
        found = (experiment_of(row["experiment"]) for row in rows)
        return {each.uid: each for each in found}

    def page(
        self, tenant: str, after_id: str | None, first: int, budget_uids: Iterable[str] | None = None
    ) -> list[StoredExperiment]:
        """The next experiments of a tenant by id, those on some budgets or on any."""
        after_uid = experiment_uid(tenant, after_id or "")
        params: queries.ExperimentRange = {
            "after_uid": after_uid,
            "before_uid": f"{tenant}/experiments0",
            "budget_uids": None if budget_uids is None else list(budget_uids),
            "first": first,
        }
        return [experiment_of(row["experiment"]) for row in self._database.read(queries.PAGE, params)]

    def freeze(self, frozen: StoredExperiment, author: str | None = None) -> StoredExperiment:
        """Keep its references for good; one that is frozen already stays as it is."""
        params: queries.Freezing = {"uid": frozen.uid, "frozen": frozen_text(frozen)}

        def work(transaction: Transaction) -> StoredExperiment:
            before = transaction.run(queries.EXPERIMENTS, {"uids": [frozen.uid]})
            after = transaction.run(queries.FREEZE, params)
            if before != after:
                _audit(transaction, author, "experiment.freeze", before, after)
            return experiment_of(after[0]["experiment"])

        return self._written(work)

    def known_members(self, experiment: StoredExperiment, agent_ids: Iterable[str]) -> dict[str, str]:
        """Those of the agents that take part, by id, with digests of what was said of them."""
        uids = {experiment.uid_within(each): each for each in agent_ids}
        (row,) = self._database.read(queries.KNOWN_MEMBERS, {"uids": list(uids)})
        return {uids[uid]: each for uid, each in zip(row["uids"], row["fingerprints"], strict=True)}

    def record_members(self, experiment: StoredExperiment, entries: Sequence[MemberEntry]) -> list[Written]:
        """Let agents take part that the ledger knows; what became of each, in their order."""
        rows: list[Properties] = [
            {
                "uid": experiment.uid_within(each.node.agent_id),
                "experiment_uid": experiment.uid,
                "agent_uid": uid_of(experiment.tenant, each.node.agent_id),
                "properties": member_properties(each, experiment.tenant),
            }
            for each in entries
        ]
        return self._written(
            lambda transaction: _ingested(transaction, queries.KNOWN_MEMBERS, queries.WRITE_MEMBERS, rows)
        )

    def record_evaluations(
        self, experiment: StoredExperiment, entries: Sequence[EvaluationEntry]
    ) -> list[Written]:
        """Record evaluations of agents that take part; what became of each, in their order.

        The log of one that is known is replaced, where one is given.
        """
        rows: list[Properties] = [
            {
                "uid": experiment.uid_within(each.evaluation_id),
                "member_uid": experiment.uid_within(each.evaluation.agent_id),
                "properties": evaluation_properties(each, experiment.tenant),
            }
            for each in entries
        ]

        def work(transaction: Transaction) -> list[Written]:
            known, write = queries.KNOWN_EVALUATIONS, queries.WRITE_EVALUATIONS
            found = _ingested(transaction, known, write, rows)
            logs: list[Properties] = [
                {"uid": row["uid"], "log": entry.log}
                for row, entry, written in zip(rows, entries, found, strict=True)
                if written is Written.DUPLICATE and entry.log is not None
            ]
            if logs:
                transaction.run_consume(queries.WRITE_LOGS, {"rows": logs})
            return found

        return self._written(work)

    def members(
        self, experiment: StoredExperiment, after_id: str | None, first: int
    ) -> tuple[list[AgentNode], bool]:
        """The next agents that take part, by id, and whether more follow."""
        rows, more = self._database.reading(
            lambda transaction: _stretch(
                transaction, queries.MEMBER_REACH, queries.MEMBERS, experiment, after_id, first
            )
        )
        found = [node for row in rows for node in _nodes(row)]
        return sorted(found, key=lambda each: each.agent_id), more

    def evaluations(
        self, experiment: StoredExperiment, tree: BudgetTree, after_id: str | None, first: int
    ) -> tuple[Evaluations, bool]:
        """The next evaluations by id, with what they cost by now, and whether more follow.

        ``tree`` are the tenant's budgets.
        """

        def work(transaction: Transaction) -> tuple[Evaluations, bool]:
            rows, more = _stretch(
                transaction, queries.EVALUATION_REACH, queries.EVALUATIONS, experiment, after_id, first
            )
            return Evaluations.of([price(transaction, experiment, tree, row) for row in rows]), more

        return self._database.reading(work)

    def everything(
        self, experiment: StoredExperiment, tree: BudgetTree, evaluations_max: int
    ) -> tuple[list[AgentNode], Evaluations] | None:
        """All agents and all evaluations; None where there are more evaluations than that.

        As many queries as there are pages of each, whatever is in them.
        """
        pages: list[Evaluations] = []
        after, more = None, True
        while more:
            part, more = self.evaluations(experiment, tree, after, self._page)
            pages.append(part)
            after = part.ids[-1] if part.ids else None
            if sum(len(each) for each in pages) > evaluations_max:
                return None
        # After them: whoever was evaluated takes part by now.
        nodes: list[AgentNode] = []
        after, more = None, True
        while more:
            page, more = self.members(experiment, after, self._page)
            nodes += page
            after = page[-1].agent_id if page else None
        return nodes, Evaluations.of(pages).without_shared()

    def logs(self, experiment: StoredExperiment, evaluation_ids: Iterable[str]) -> dict[str, str]:
        """What runners keep of evaluations, by id (JSON texts); those without are left out."""
        uids = {experiment.uid_within(each): each for each in evaluation_ids}
        (row,) = self._database.read(queries.LOGS, {"uids": list(uids)})
        return {uids[uid]: log for uid, log in zip(row["uids"], row["logs"], strict=True) if log}

    def all_logs(self, experiment: StoredExperiment) -> Iterator[str]:
        """What runners keep of evaluations, by the evaluations' ids."""
        after, more = None, True
        while more:
            rows, more = self._database.reading(
                lambda transaction, after=after: _stretch(
                    transaction,
                    queries.EVALUATION_REACH,
                    queries.EVALUATIONS,
                    experiment,
                    after,
                    self._page,
                )
            )
            ids = sorted(each for row in rows for each in row["evaluation_ids"])
            logs = self.logs(experiment, ids) if ids else {}
            yield from (logs[each] for each in ids if each in logs)
            after = ids[-1] if ids else None

    def keep(self, experiment: StoredExperiment, said: StoredSelection) -> StoredSelection:
        """A new selection, or the one that has its id: an equal wish has an equal ``request``."""
        uid = experiment.uid_within(said.selection.selection_id)
        params: queries.NewSelection = {
            "uid": uid,
            "experiment_uid": experiment.uid,
            "properties": selection_properties(said, experiment.tenant),
        }
        chosen: list[Properties] = [
            {"uid": uid, "member_uid": experiment.uid_within(each), "rank": rank}
            for rank, each in enumerate(said.selection.chosen)
        ]

        def work(transaction: Transaction) -> StoredSelection:
            found = transaction.run(queries.SELECTIONS, {"uids": [uid]})
            if not found:
                found = transaction.run(queries.WRITE_SELECTION, params)
                if chosen:
                    transaction.run_consume(queries.WRITE_CHOSEN, {"rows": chosen})
            return selection_of(found[0]["selection"])

        return self._written(work)

    def selection(self, experiment: StoredExperiment, selection_id: str) -> StoredSelection | None:
        """One selection."""
        uid = experiment.uid_within(selection_id)
        rows = self._database.read(queries.SELECTIONS, {"uids": [uid]})
        return selection_of(rows[0]["selection"]) if rows else None

    def selections(
        self, experiment: StoredExperiment, after_id: str | None, first: int
    ) -> list[StoredSelection]:
        """The next selections, by id."""
        params: queries.SelectionRange = {
            "after_uid": experiment.uid_within(after_id or ""),
            "before_uid": f"{experiment.key}0",
            "first": first,
        }
        rows = self._database.read(queries.SELECTION_PAGE, params)
        return [selection_of(row["selection"]) for row in rows]

    def _written(self, work: Callable[[Transaction], T]) -> T:
        """Write; where another process was first with a uid, look again at what is there."""
        with self._writing:
            for attempt in range(ATTEMPTS):
                try:
                    return self._database.writing(work)
                except ConstraintViolation:
                    if attempt == ATTEMPTS - 1:
                        raise
        raise AssertionError


def _audit(
    transaction: Transaction,
    author: str | None,
    action: str,
    before: "list[queries.ExperimentRow] | None",
    after: "list[queries.ExperimentRow]",
) -> None:
    now = after[0]["experiment"]
    experiment = experiment_of(now)
    was = None if before is None else before[0]["experiment"]
    subject, budget_uid = experiment.experiment_id, experiment.budget_uid
    write_entries(transaction, [act(experiment.tenant, author, action, subject, budget_uid, was, now)])


def _ingested(
    transaction: Transaction,
    known: CypherQuery[queries.Uids, queries.KnownRow],
    write: CypherQuery[queries.Rows, queries.WrittenRow],
    rows: Sequence[Properties],
) -> list[Written]:
    """Write what is not there, and say what became of each row, in their order."""
    (row,) = transaction.run(known, {"uids": [each["uid"] for each in rows]})
    there = dict(zip(row["uids"], row["fingerprints"], strict=True))
    fresh: dict[str, Properties] = {}
    for each in rows:
        if each["uid"] not in there:
            fresh.setdefault(each["uid"], each)
    written = set(transaction.run(write, {"rows": list(fresh.values())})[0]["uids"]) if fresh else set[str]()
    found: list[Written] = []
    for each in rows:
        uid, digest = each["uid"], each["properties"]["fingerprint"]
        if fresh.get(uid) is each:
            found.append(Written.NEW if uid in written else Written.MISSING)
        elif digest != there.get(uid, fresh[uid]["properties"]["fingerprint"] if uid in fresh else None):
            found.append(Written.CONFLICT)
        else:
            found.append(Written.DUPLICATE if uid in there or uid in written else Written.MISSING)
    return found


def _stretch(
    transaction: Transaction,
    reach: CypherQuery[queries.Reach, queries.ReachRow],
    columns: CypherQuery[queries.Stretch, Any],
    experiment: StoredExperiment,
    after_id: str | None,
    first: int,
) -> tuple[list[Any], bool]:
    """The columns of the next rows by uid, and whether more follow."""
    after_uid, end_uid = experiment.uid_within(after_id or ""), f"{experiment.key}0"
    beyond = transaction.run(reach, {"after_uid": after_uid, "before_uid": end_uid, "passed": first})
    before_uid = beyond[0]["uid"] if beyond else end_uid
    return transaction.run(columns, {"after_uid": after_uid, "before_uid": before_uid}), bool(beyond)


def _nodes(row: queries.MembersRow) -> Iterable[AgentNode]:
    columns = (row["agent_ids"], row["parent_ids"], row["generations"], row["operators"], row["islands"])
    for agent_id, parents, generation, operator, island in zip(*columns, strict=True):
        yield AgentNode(agent_id, tuple(parents), generation, Operator(operator), island or None)

"""Experiments: who takes part in them, what evaluations gave, who was selected.

Pages come as columns, a list per property, in no order: a row costs the driver more than what is in it. How
far a page reaches is asked first (``MEMBER_REACH``, ``EVALUATION_REACH``): the embedded engine walks an index
in order only for one bare range. In columns -1 and '' stand for what is not there, since lists hold no nulls.
"""

from typing import Any, TypedDict

from cypher.query import CypherQuery, NoRow


class NewExperiment(TypedDict):
    """An experiment, and the budget that it is."""

    uid: str
    budget_uid: str
    properties: dict[str, Any]


class ExperimentRow(TypedDict):
    """An experiment: the properties of its node."""

    experiment: dict[str, Any]


class Uids(TypedDict):
    """Keys to look up."""

    uids: list[str]


class ExperimentRange(TypedDict):
    """The next experiments of a tenant: uids in (after_uid, before_uid), on some budgets (None: on any)."""

    after_uid: str
    before_uid: str
    budget_uids: list[str] | None
    first: int


class Freezing(TypedDict):
    """An experiment, and the references to freeze it with (JSON) unless it is frozen."""

    uid: str
    frozen: str


class KnownRow(TypedDict):
    """What exists of what was looked up, and digests of what it holds, in columns."""

    uids: list[str]
    fingerprints: list[str]


class Rows(TypedDict):
    """Rows to write; each query's text names their fields."""

    rows: list[dict[str, Any]]


class WrittenRow(TypedDict):
    """What was written: fewer than were given means that a node is missing which they hang on."""

    uids: list[str]


class Reach(TypedDict):
    """A stretch of uids, (after_uid, before_uid), and how many to pass over."""

    after_uid: str
    before_uid: str
    passed: int


class ReachRow(TypedDict):
    """The uid after those; no row where there are not so many."""

    uid: str


class Stretch(TypedDict):
    """Uids in (after_uid, before_uid)."""

    after_uid: str
    before_uid: str


class MembersRow(TypedDict):
    """Agents that take part, in columns."""

    uids: list[str]
    agent_ids: list[str]
    generations: list[int]
    operators: list[str]
    parent_ids: list[list[str]]
    islands: list[str]


class EvaluationsRow(TypedDict):
    """Evaluations in columns. ``costs_nano`` are those that came from elsewhere."""

    uids: list[str]
    evaluation_ids: list[str]
    agent_ids: list[str]
    task_ids: list[str]
    roles: list[str]
    scores: list[float]
    seconds: list[float]
    tokens: list[int]
    costs_nano: list[int]
    operation_uids: list[list[str]]
    session_uids: list[str]
    scope_uids: list[str]


class LogsRow(TypedDict):
    """What runners keep of evaluations (JSON), in columns."""

    uids: list[str]
    logs: list[str]


class Costs(TypedDict):
    """Operations or sessions by uid, and the currency that their entries must have."""

    uids: list[str]
    currency: str


class CostsRow(TypedDict):
    """What they cost by now, adjustments included, apart for each budget that was charged directly.

    ``unknown`` counts usages without a price, or in another currency; ``unreported`` those whose tokens
    nobody knows.
    """

    uids: list[str]
    budget_ids: list[str]
    costs_nano: list[int]
    unknown: list[int]
    tokens: list[int]
    unreported: list[int]


class NewSelection(TypedDict):
    """A selection, and the experiment that it was made in."""

    uid: str
    experiment_uid: str
    properties: dict[str, Any]


class SelectionRow(TypedDict):
    """A selection: the properties of its node."""

    selection: dict[str, Any]


class SelectionRange(TypedDict):
    """The next selections of an experiment: uids in (after_uid, before_uid)."""

    after_uid: str
    before_uid: str
    first: int


CREATE: CypherQuery[NewExperiment, ExperimentRow] = CypherQuery(
    "evolution/create", NewExperiment, ExperimentRow
)
EXPERIMENTS: CypherQuery[Uids, ExperimentRow] = CypherQuery("evolution/experiments", Uids, ExperimentRow)
PAGE: CypherQuery[ExperimentRange, ExperimentRow] = CypherQuery(
    "evolution/page", ExperimentRange, ExperimentRow
)
FREEZE: CypherQuery[Freezing, ExperimentRow] = CypherQuery("evolution/freeze", Freezing, ExperimentRow)

KNOWN_MEMBERS: CypherQuery[Uids, KnownRow] = CypherQuery("evolution/known_members", Uids, KnownRow)
WRITE_MEMBERS: CypherQuery[Rows, WrittenRow] = CypherQuery("evolution/write_members", Rows, WrittenRow)
MEMBER_REACH: CypherQuery[Reach, ReachRow] = CypherQuery("evolution/member_reach", Reach, ReachRow)
MEMBERS: CypherQuery[Stretch, MembersRow] = CypherQuery("evolution/members", Stretch, MembersRow)

KNOWN_EVALUATIONS: CypherQuery[Uids, KnownRow] = CypherQuery("evolution/known_evaluations", Uids, KnownRow)
WRITE_EVALUATIONS: CypherQuery[Rows, WrittenRow] = CypherQuery(
    "evolution/write_evaluations", Rows, WrittenRow
)
EVALUATION_REACH: CypherQuery[Reach, ReachRow] = CypherQuery("evolution/evaluation_reach", Reach, ReachRow)
EVALUATIONS: CypherQuery[Stretch, EvaluationsRow] = CypherQuery(
    "evolution/evaluations", Stretch, EvaluationsRow
)
WRITE_LOGS: CypherQuery[Rows, NoRow] = CypherQuery("evolution/write_logs", Rows, NoRow)
LOGS: CypherQuery[Uids, LogsRow] = CypherQuery("evolution/logs", Uids, LogsRow)

OPERATION_COSTS: CypherQuery[Costs, CostsRow] = CypherQuery("evolution/operation_costs", Costs, CostsRow)
SESSION_COSTS: CypherQuery[Costs, CostsRow] = CypherQuery("evolution/session_costs", Costs, CostsRow)

WRITE_SELECTION: CypherQuery[NewSelection, SelectionRow] = CypherQuery(
    "evolution/write_selection", NewSelection, SelectionRow
)
WRITE_CHOSEN: CypherQuery[Rows, NoRow] = CypherQuery("evolution/write_chosen", Rows, NoRow)
SELECTIONS: CypherQuery[Uids, SelectionRow] = CypherQuery("evolution/selections", Uids, SelectionRow)
SELECTION_PAGE: CypherQuery[SelectionRange, SelectionRow] = CypherQuery(
    "evolution/selection_page", SelectionRange, SelectionRow
)

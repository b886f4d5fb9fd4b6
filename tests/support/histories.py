"""Random histories of a tenant, and a naive model that recomputes its books from what was accepted.

The model knows nothing of windows, paths or batches: it keeps every accepted operation with the budgets
that it charged, and adds up again whenever it is asked.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from ledger.commands import CloseBudget, Command, MoveBudget, Record
from ledger.decide import Answer
from ledger.model import Agent, Budget, BudgetType, Limit, Meter, Recurrence, WindowKind
from ledger.results import OperationConflict, RecordedUsage
from ledger.windows import Span
from pricing.calendar import to_datetime
from tests.support.desk import NOW_US, UNPRICED, Desk, limit

HOUR_US = 3600 * 10**6
AHEAD_US = 5 * 60 * 10**6
BUDGETS = ["a", "b", "c", "d"]
USERS = ["ann", "bob"]

Step = tuple[str, dict[str, Any]]
"""``wait``: ``hours``. Else a command: what it is, and its fields."""

_ids = st.sampled_from([*BUDGETS, *BUDGETS[:3]])
_hours = st.sampled_from([0, 0, 0, -1, -30, -24 * 9, -24 * 40, 0.05, 1])
_meters = st.sampled_from([Meter.COST, Meter.TOKENS, Meter.REQUESTS])
_kinds = st.sampled_from([kind for kind in WindowKind if kind is not WindowKind.REQUEST])
_amounts = st.sampled_from([None, 0, 5, 20, 100])
_edges = st.sampled_from([None, None, -24 * 20, -24 * 3, -5, 0, 5, 24 * 9]).map(
    lambda hours: None if hours is None else NOW_US + int(hours * HOUR_US)
)
_zones = st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"])
_limits = st.lists(st.tuples(_meters, _kinds), max_size=3, unique=True).map(
    lambda pairs: tuple(limit(meter, 20, kind) for meter, kind in pairs)
)

records = st.fixed_dictionaries(
    {
        "operation_id": st.integers(0, 60).map(str),
        "cost": st.sampled_from([None, 0, 1, 3, 7]),
        "budget_id": st.sampled_from([None, *BUDGETS]),
        "agent_id": st.sampled_from(["x", "y"]),
        "user_id": st.sampled_from([None, *USERS]),
        "prompt_tokens": st.integers(0, 9),
        "hours": st.sampled_from([None]) | _hours,
    }
).map(lambda fields: ("record", fields))


def _creation(ids: st.SearchStrategy[str], parents: st.SearchStrategy[str | None]) -> st.SearchStrategy[Step]:
    fields = {
        "budget_id": ids,
        "parent": parents,
        "amount_nano": _amounts,
        "user": st.sampled_from([None, None, *USERS]),
        "recurrence": st.sampled_from(Recurrence),
        "timezone": _zones,
        "limits": _limits,
    }
    return st.fixed_dictionaries(fields).map(lambda drawn: ("create", drawn))


creations = _creation(_ids, st.sampled_from([None, *BUDGETS]))
trees = st.tuples(
    _creation(st.just("a"), st.none()),
    _creation(st.just("b"), st.sampled_from([None, "a"])),
    _creation(st.just("c"), st.sampled_from(["a", "b"])),
).map(list)
updates = st.fixed_dictionaries(
    {"budget_id": _ids},
    optional={
        "amount_nano": _amounts,
        "period_start_us": _edges,
        "period_end_us": _edges,
        "recurrence": st.sampled_from(Recurrence),
        "timezone": _zones,
        "limits": _limits,
        "warning_threshold_ppm": st.sampled_from([500_000, 800_000, 1_000_000]),
    },
).map(lambda fields: ("update", fields))
moves = st.fixed_dictionaries({"budget_id": _ids, "parent": st.sampled_from([None, *BUDGETS])}).map(
    lambda fields: ("move", fields)
)
closes = st.fixed_dictionaries({"budget_id": _ids}).map(lambda fields: ("close", fields))
agents = st.fixed_dictionaries(
    {"agent_id": st.sampled_from(["x", "y"]), "budget_id": _ids, "user_id": st.sampled_from([None, *USERS])}
).map(lambda fields: ("agent", fields))
waits = st.sampled_from([1, 24, 24 * 9, 24 * 40]).map(lambda hours: ("wait", {"hours": hours}))

_weights = [(records, 14), (updates, 8), (waits, 3), (moves, 2), (agents, 2), (creations, 1), (closes, 1)]
steps = st.sampled_from([kind for kind, weight in _weights for _ in range(weight)]).flatmap(lambda kind: kind)
histories = st.builds(lambda tree, rest: [*tree, *rest], trees, st.lists(steps, min_size=20, max_size=50))


def command_of(desk: Desk, step: Step) -> Command:
    """The command of a step, at the desk's time."""
    kind, fields = step[0], dict(step[1])
    match kind:
        case "record":
            cost, hours = fields.pop("cost"), fields.pop("hours")
            if hours is not None:
                fields["timestamp"] = to_datetime(desk.now_us + int(hours * HOUR_US))
            return desk.usage(quote=UNPRICED if cost is None else cost, **fields)
        case "create":
            user = fields.pop("user")
            if user is not None:
                fields |= {"budget_type": BudgetType.USER, "resource_id": user}
            return desk.creation(**fields)
        case "update":
            return desk.change(**fields)
        case "move":
            return MoveBudget(desk.tenant, None, fields["budget_id"], fields["parent"])
        case "close":
            return CloseBudget(desk.tenant, None, fields["budget_id"])
        case _:
            return desk.registration(**fields)


@dataclass(frozen=True)
class Accepted:
    """An operation that was recorded: when it counts, what it adds, whom it charged."""

    at_us: int
    counts: dict[Meter, int]
    budget_ids: frozenset[str]


@dataclass
class Model:
    """A tenant as a list of accepted operations."""

    budgets: dict[str, Budget] = field(default_factory=dict[str, Budget])
    agents: dict[str, Agent] = field(default_factory=dict[str, Agent])
    accepted: dict[str, Accepted] = field(default_factory=dict[str, Accepted])
    contents: dict[str, str] = field(default_factory=dict[str, str])

    def follow(self, command: Command, answer: Answer, now_us: int) -> None:
        """Take note of a decision; fails where it cannot be right."""
        match command, answer:
            case Record(), RecordedUsage():
                self._recorded(command, answer, now_us)
            case Record(), OperationConflict():
                operation_id = command.usage.sent.operation_id
                assert self.contents[operation_id] != command.usage.fingerprint
            case _, Budget():
                self.budgets[answer.budget_id] = answer
            case _, Agent():
                self.agents[answer.agent_id] = answer
            case _:
                assert isinstance(answer, Exception), answer

    def _recorded(self, command: Record, answer: RecordedUsage, now_us: int) -> None:
        sent = command.usage.sent
        assert answer.duplicate == (sent.operation_id in self.accepted)
        if answer.duplicate:
            assert self.contents[sent.operation_id] == command.usage.fingerprint
            return
        at_us = now_us if command.usage.timestamp_us is None else command.usage.timestamp_us
        agent = self.agents.get(sent.agent_id)
        user = sent.user_id if sent.user_id is not None or agent is None else agent.user_id
        leaf = "unattributed"
        if sent.budget_id in self.budgets:
            leaf = sent.budget_id
        elif agent is not None and agent.budget_uid is not None:
            leaf = agent.budget_uid.partition("/")[2]
        counts = {
            Meter.COST: command.quote.total_nano,
            Meter.TOKENS: sent.prompt_tokens,
            Meter.REQUESTS: 1,
        }
        self.contents[sent.operation_id] = command.usage.fingerprint
        self.accepted[sent.operation_id] = Accepted(
            now_us if at_us > now_us + AHEAD_US else at_us, counts, self._charged(leaf, user)
        )

    def _charged(self, leaf: str, user: str | None) -> frozenset[str]:
        charged: set[str] = set()
        at: str | None = leaf
        while at is not None:
            charged.add(at)
            at = self.budgets[at].parent_budget_id if at in self.budgets else None
        while True:
            more = {
                budget_id
                for budget_id, budget in self.budgets.items()
                if budget.budget_type is BudgetType.USER
                and budget.resource_id == user
                and budget.closed_at_us is None
                and (budget.parent_budget_id is None or budget.parent_budget_id in charged)
            }
            if more <= charged:
                return frozenset(charged)
            charged |= more

    def spent(self, limit: Limit, span: Span) -> int:
        """What was charged to a limit's budget in a span."""
        budget_id = limit.budget_uid.partition("/")[2]
        return sum(
            each.counts[limit.meter]
            for each in self.accepted.values()
            if budget_id in each.budget_ids
            and (span.start_us is None or span.start_us <= each.at_us)
            and (span.end_us is None or each.at_us < span.end_us)
        )

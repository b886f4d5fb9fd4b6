"""Random worlds and questions for the rollup tests, from a seed."""

import random
from dataclasses import replace

from insight.rollups import Dimension, Granularity, RollupQuery
from ledger.model import Budget, BudgetType, ChargePath, uid_of
from pricing.calendar import DAY_US, HOUR_US, MINUTE_US, bounds, zone
from tests.support.rollups import Entry, World, budget

ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns")
BEGIN_US = 1_143_700_000_000_000
"""30 March 2006: clocks are set in these days, in St. John's at 00:01."""
DAYS = 12
TYPES = (BudgetType.PROJECT, BudgetType.TASK, BudgetType.TEAM, BudgetType.CUSTOM, BudgetType.PLATFORM)


def random_budgets(rng: random.Random, tenant: str, count: int = 9) -> list[Budget]:
    """A root, and budgets of any type below earlier ones; users' budgets are scoped."""
    made = [budget(tenant, "root", kind=BudgetType.PLATFORM, timezone=rng.choice(ZONES))]
    for index in range(count):
        scoped = index % 4 == 3
        made.append(
            budget(
                tenant,
                f"b{index}",
                rng.choice([each.budget_id for each in made]),
                BudgetType.USER if scoped else rng.choice(TYPES),
                resource_id=f"user-{index % 3}" if scoped else rng.choice([None, f"res-{index % 3}"]),
                timezone=rng.choice(ZONES),
                rollup_timezone=rng.choice(ZONES),
            )
        )
    return made


class Writer:
    """Adds random entries to a world: usage, what follows it, usage without a price; and moves budgets."""

    def __init__(self, rng: random.Random, world: World) -> None:
        self._rng = rng
        self._world = world
        self._usages: dict[int, Entry] = {}

    def write(self, count: int) -> None:
        """Add some entries. Numbers of the sequence may be left out: events take some too."""
        for _ in range(count):
            self._world.seq += self._rng.choice((1, 1, 1, 2))
            self._world.add(self._following() or self._usage())

    def move(self) -> None:
        """Hang a budget elsewhere, where that makes no cycle."""
        tree, rng = self._world.tree, self._rng
        moved, parent = rng.choice(tree.all()), rng.choice(tree.all())
        if moved.uid not in tree.chain(parent.uid):
            tree.put(replace(moved, parent_uid=parent.uid))

    def _usage(self) -> Entry:
        rng, world = self._rng, self._world
        at_us = BEGIN_US + rng.randrange(DAYS * DAY_US)
        if rng.random() < 0.2:
            at_us = BEGIN_US + rng.randrange(DAYS) * DAY_US + rng.choice((0, HOUR_US, 31 * MINUTE_US, -1))
        priced = rng.random() < 0.8
        user = rng.choice(("", "user-0", "user-1"))
        leaf = rng.choice(world.tree.all())
        path = world.tree.path(leaf.uid, {"user_id": user or None})
        model = rng.choice(("", "m1", "m2"))
        labels = {
            "agent": f"agent-{rng.randrange(3)}",
            "model": model,
            "provider": "p1" if model else "",
            "capability": rng.choice(("code", "chat")),
            "user": user,
            "category": rng.choice(("api_call", "line\nbreak")),
            "outcome": rng.choice(("OK", "ERROR")),
            "resource_type": rng.choice(("LLMTokens", "CPU")),
        }
        costs = (rng.randrange(10**9), rng.randrange(300), rng.randrange(2)) if priced else (0, 0, 0)
        measures = (1, rng.randrange(5000), rng.randrange(100), *costs, rng.choice((0, 7)))
        usage = len(self._usages)
        entry = Entry(world.seq, usage, at_us, path, labels, measures, priced)
        self._usages[usage] = entry
        return entry

    def _following(self) -> Entry | None:
        """More of a usage that is there: it grew, it was refunded, its price came."""
        rng = self._rng
        if not self._usages or rng.random() < 0.7:
            return None
        first = rng.choice(list(self._usages.values()))
        grew = rng.choice(
            (
                (0, 10, 20, 300, 4000, 0, 0),
                (0, 0, 0, -rng.randrange(10**6), 0, 0, 0),
                (0, 0, 0, 77, 88, 99, 0),
            )
        )
        return replace(first, seq=self._world.seq, measures=grew, priced=True, first=False)


def random_query(rng: random.Random, world: World) -> RollupQuery:
    """Any question about any budget; its ends fall where they must."""
    asked = rng.choice(world.tree.all())
    granularity = rng.choice(list(Granularity))
    timezone = rng.choice((None, None, *ZONES))
    ends = sorted(BEGIN_US + rng.randrange(-DAY_US, (DAYS + 1) * DAY_US) for _ in range(2))
    if granularity.unit is not None:
        where = zone(timezone or asked.timezone)
        ends = [bounds(granularity.unit, end, where)[0] for end in ends]
    elif rng.random() < 0.5:
        ends = [end // DAY_US * DAY_US for end in ends]
    begin, end = (rng.choice((end, None)) for end in ends)
    if begin is not None and begin == end:
        end = None
    return RollupQuery(
        asked.uid,
        tuple(rng.sample(list(Dimension), rng.choice((0, 1, 1, 2, 3)))),
        granularity,
        begin,
        end,
        timezone,
        rng.random() < 0.7,
        rng.choice((None, None, rng.choice(world.tree.all()).uid)),
    )


def other_path(world: World) -> ChargePath:
    """Some path of the tree."""
    return world.tree.path(uid_of(world.tenant, "root"), {})

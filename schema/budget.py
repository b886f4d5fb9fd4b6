"""Budgets: what they are, how they stand, what is charged to them."""

from collections.abc import Sequence
from typing import Annotated, Final, Self

import strawberry

from insight.rollups import RollupQuery
from ledger import model
from ledger.access import Permission
from ledger.view import page_of
from ledger.windows import LimitStatus as LimitStanding
from schema.access import guarded
from schema.context import BudgetStanding, Context, Info
from schema.enums import (
    BudgetState,
    BudgetType,
    Dimension,
    Enforcement,
    Granularity,
    Meter,
    Recurrence,
    WindowKind,
)
from schema.page import PageInfo
from schema.rollup import Rollup
from schema.scalars import BigInt, DateTime, Decimal, InstantText
from schema.wallet import Wallet
from schema.warning import WarningType
from schema.words import (
    FIRST_MAX,
    check_first,
    fraction,
    instant_us,
    money,
    optional_id,
    optional_instant,
    optional_money,
    quantity,
    used,
)

OWN_LIMITS: Final = frozenset({model.AMOUNT_LIMIT, model.WALLET_LIMIT})
"""Limits that a budget shows as fields of its own."""


@strawberry.type(description="More than a limit's amount, for a while.")
class LimitIncrease:
    """More than a limit's amount, for a while."""

    amount: Decimal | None
    start: DateTime
    end: DateTime

    @classmethod
    def each(cls, limit: model.Limit) -> list[Self]:
        """Those of a limit that have begun or are to come."""
        return [
            cls(
                amount=quantity(row.amount, limit.meter),
                start=DateTime(row.from_us),
                end=DateTime(row.until_us),
            )
            for row in limit.increases
        ]


@strawberry.type(description="What is metered, over which window, how much of it, and how hard.")
class Limit:
    """One limit of a budget. Its amount is in its own unit."""

    meter: Meter
    window: WindowKind | None
    amount: Decimal | None
    enforcement: Enforcement
    resource: str | None
    each: Dimension | None
    increases: list[LimitIncrease]

    @classmethod
    def of(cls, row: model.Limit) -> Self:
        """From the ledger's."""
        return cls(
            meter=row.meter,
            window=row.window,
            amount=quantity(row.amount, row.meter),
            enforcement=row.enforcement,
            resource=row.resource,
            each=None if row.each is None else Dimension(row.each),
            increases=LimitIncrease.each(row),
        )


@strawberry.type(description="How a THROTTLE limit delays the nearer it is.")
class Throttle:
    """How a THROTTLE limit delays."""

    start: float = strawberry.field(description="Up to this utilization nobody waits.")
    shape: float = strawberry.field(description="1 is a straight line, 2 begins gently.")
    max_delay_ms: int = strawberry.field(description="At the limit.")

    @classmethod
    def of(cls, row: model.Limit) -> Self | None:
        """From the ledger's; None of a limit that does not delay."""
        curve = row.curve
        if curve is None:
            return None
        return cls(
            start=curve.start_ppm / 1_000_000,
            shape=curve.shape_milli / 1_000,
            max_delay_ms=curve.max_delay_ms,
        )


@strawberry.type(description="One limit in its current window; figures in its unit.")
class LimitStatus:
    """One limit in its current window."""

    meter: Meter
    window: WindowKind | None
    enforcement: Enforcement
    throttle: Throttle | None
    resource: str | None
    amount: Decimal | None = strawberry.field(
        description="What it allows in this window: increases and what was carried over included."
    )
    spent: Decimal | None
    reserved: Decimal | None = strawberry.field(description="What open reservations hold.")
    forced: Decimal | None = strawberry.field(description="What passed the limit all the same.")
    available: Decimal | None = strawberry.field(
        description="What is neither spent nor held, negative when overspent."
    )
    utilization: float | None = strawberry.field(
        description="Spent / amount; of what is held at once: held / amount."
    )
    window_start: DateTime | None
    window_end: DateTime | None

    @classmethod
    def of(cls, row: LimitStanding) -> Self:
        """From the ledger's."""
        limit, window = row.limit, row.window
        return cls(
            meter=limit.meter,
            window=limit.window,
            enforcement=limit.enforcement,
            throttle=Throttle.of(limit),
            resource=limit.resource,
            amount=quantity(row.amount, limit.meter),
            spent=quantity(window.spent, limit.meter),
            reserved=quantity(window.reserved, limit.meter),
            forced=quantity(window.forced, limit.meter),
            available=quantity(row.available, limit.meter),
            utilization=used(row.used, row.amount),
            window_start=optional_instant(window.start_us),
            window_end=optional_instant(window.end_us),
        )


@strawberry.type(description="How a budget stands in its own current window.")
class BudgetStatus:
    """How a budget stands in its own current window."""

    spent: Decimal
    reserved: Decimal
    forced: Decimal = strawberry.field(description="What passed a hard limit all the same.")
    available: Decimal | None = strawberry.field(
        description="What is left of the amount, negative when overspent; null without an amount."
    )
    effective_available: Decimal | None = strawberry.field(
        description="The least that is available on the budget and on the ancestors that the key sees."
    )
    utilization: float | None = strawberry.field(description="Spent / amount.")
    state: BudgetState
    window_start: DateTime | None
    window_end: DateTime | None
    limits: list[LimitStatus]

    @classmethod
    def of(cls, row: BudgetStanding) -> Self:
        """From the ledger's."""
        standing = row.standing
        return cls(
            spent=money(standing.spent),
            reserved=money(standing.reserved),
            forced=money(standing.forced),
            available=optional_money(standing.available),
            effective_available=optional_money(row.effective_available_nano),
            utilization=standing.utilization,
            state=standing.state,
            window_start=optional_instant(standing.window_start_us),
            window_end=optional_instant(standing.window_end_us),
            limits=[LimitStatus.of(each) for each in standing.limits if each.limit.amount is not None],
        )


@strawberry.type(description="A utilization at which the budget's limits tell, once per window.")
class Threshold:
    """A utilization that is told."""

    at: float
    hysteresis: float | None = strawberry.field(description="How far below it counts as left again.")

    @classmethod
    def of(cls, row: model.Threshold) -> Self:
        """From the ledger's."""
        hysteresis = None if row.hysteresis_ppm is None else row.hysteresis_ppm / 1_000_000
        return cls(at=row.at_ppm / 1_000_000, hysteresis=hysteresis)


@strawberry.type(description="One node of a budget tree.")
class Budget:
    """One node of a budget tree."""

    row: strawberry.Private[model.Budget]
    budget_id: strawberry.ID
    name: str | None
    amount: Decimal | None = strawberry.field(description="Null only tracks.")
    currency: str
    budget_type: BudgetType
    resource_id: strawberry.ID | None
    period_start: DateTime | None
    period_end: DateTime | None
    recurrence: Recurrence
    timezone: str
    warning_threshold: float | None
    priority: int | None
    carry_over_cap: Decimal | None = strawberry.field(
        description="How much of what a period leaves of the amount the next one has on top at most."
    )
    low_balance_threshold: Decimal | None = strawberry.field(
        description="The balance of its wallet that is low; null: 0."
    )
    increases: list[LimitIncrease] = strawberry.field(description="Of the amount.")
    created_at: DateTime
    closed_at: DateTime | None
    limits: list[Limit] = strawberry.field(description="Those beside the amount and the wallet.")
    thresholds: list[Threshold] = strawberry.field(description="Those beside warningThreshold and 1.")
    cool_down_seconds: int

    @classmethod
    def of(cls, row: model.Budget) -> Self:
        """From the ledger's."""
        return cls(
            row=row,
            budget_id=strawberry.ID(row.budget_id),
            name=row.name,
            amount=optional_money(row.amount_nano),
            currency=row.currency,
            budget_type=row.budget_type,
            resource_id=optional_id(row.resource_id),
            period_start=optional_instant(row.period_start_us),
            period_end=optional_instant(row.period_end_us),
            recurrence=row.recurrence,
            timezone=row.timezone,
            warning_threshold=fraction(row.warning_threshold_ppm),
            priority=row.priority,
            carry_over_cap=optional_money(row.carry_over_cap_nano),
            low_balance_threshold=optional_money(row.low_balance_nano),
            increases=LimitIncrease.each(row.limits[0]),
            created_at=DateTime(row.created_at_us),
            closed_at=optional_instant(row.closed_at_us),
            limits=[Limit.of(each) for each in row.limits if each.key not in OWN_LIMITS],
            thresholds=[Threshold.of(each) for each in row.thresholds],
            cool_down_seconds=row.cool_down_seconds,
        )

    @classmethod
    def each(cls, rows: Sequence[model.Budget], context: Context) -> list[Self]:
        """Several of them, counted against what an answer may hold."""
        context.admit(len(rows))
        return [cls.of(row) for row in rows]

    @guarded(Permission.READ, description="Null for a root, and for the key's own budget.")
    def parent(self, info: Info) -> "Budget | None":
        """The parent."""
        row = info.context.view.parent(self.row)
        return None if row is None else Budget.of(row)

    @guarded(Permission.READ, description="By id. Page on with the last id as `after`.")
    def children(
        self, info: Info, first: int = FIRST_MAX, after: strawberry.ID | None = None
    ) -> list["Budget"]:
        """The direct children."""
        rows, _ = page_of(info.context.view.children(self.row), after, check_first(first))
        return Budget.each(rows, info.context)

    @guarded(Permission.READ)
    def child_count(self, info: Info) -> int:
        """How many direct children there are."""
        return len(info.context.view.children(self.row))

    @guarded(Permission.READ, description="Parent, grandparent, … up to the root or to the key's own budget.")
    def ancestors(self, info: Info) -> list["Budget"]:
        """All above it."""
        return Budget.each(info.context.view.ancestors(self.row), info.context)

    @guarded(Permission.READ, description="What is odd about the budget, though it is allowed.")
    def warnings(self, info: Info) -> list[WarningType]:
        """Warnings about the budget itself."""
        return [WarningType.of(each) for each in info.context.view.warnings(self.row)]

    @guarded(Permission.READ)
    async def status(self, info: Info) -> BudgetStatus:
        """How it stands."""
        return BudgetStatus.of(await info.context.standing(self.row.uid))

    @guarded(Permission.READ, description="Its prepaid credit; null of a budget that was never topped up.")
    async def wallet(self, info: Info) -> Wallet | None:
        """Its prepaid credit."""
        return Wallet.of((await info.context.standing(self.row.uid)).standing)

    @guarded(
        Permission.READ,
        description="How many reservations hold money on it now, those made below it included.",
    )
    async def open_reservations(self, info: Info) -> BigInt:
        """How many holds are in flight."""
        return BigInt(await info.context.open_reservations(self.row.uid))

    @guarded(
        Permission.READ,
        description="What was charged in [from, to), open where an end is not given. With a granularity "
        "both ends fall on its edges in the time zone, the budget's own unless one is given. "
        "includeDescendants concerns rows.",
    )
    async def rollup(
        self,
        info: Info,
        by: list[Dimension] = [],  # noqa: B006 - strawberry reads it as the GraphQL default and copies it
        granularity: Granularity = Granularity.TOTAL,
        from_: Annotated[InstantText | None, strawberry.argument(name="from")] = None,
        to: InstantText | None = None,
        timezone: str | None = None,
        include_descendants: bool = True,  # noqa: FBT001, FBT002 - arguments of a field have names
    ) -> Rollup:
        """What was charged."""
        query = RollupQuery(
            budget_uid=self.row.uid,
            by=tuple(by),
            granularity=granularity,
            from_us=instant_us(from_, "from"),
            to_us=instant_us(to, "to"),
            timezone=timezone,
            include_descendants=include_descendants,
            scope_uid=info.context.principal.scope_uid,
        )
        result = await info.context.rollup(query)
        info.context.admit(len(result.rows))
        return Rollup.of(result)


@strawberry.type(description="A page of budgets, by id.")
class BudgetConnection:
    """A page of budgets."""

    nodes: list[Budget]
    page_info: PageInfo

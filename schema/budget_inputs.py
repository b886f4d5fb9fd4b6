"""What callers say about budgets, and the ledger's commands that it means."""

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

import strawberry
from strawberry import UNSET

from ledger.access import Principal
from ledger.commands import CreateBudget, IncreaseLimit, LimitSpec, UpdateBudget
from ledger.errors import InvalidInput
from ledger.limits import key_of
from ledger.model import AMOUNT_LIMIT, Threshold, Throttle
from ledger.model import Meter as LedgerMeter
from schema.enums import BudgetType, Dimension, Enforcement, Meter, Recurrence, WindowKind
from schema.scalars import Decimal, InstantText
from schema.words import instant_us, nano, ppm, whole


@strawberry.input(
    description="How a THROTTLE limit delays, the more the nearer it is: maxDelayMs x^shape, where x is how "
    "far utilization is between start and 1, times how far it is ahead of the time that has passed."
)
class ThrottleInput:
    """A curve as asked for."""

    start: float = strawberry.field(default=0.8, description="Up to this utilization nobody waits.")
    shape: float = strawberry.field(default=2.0, description="1 is a straight line, 2 begins gently.")
    max_delay_ms: int = strawberry.field(default=10_000, description="At the limit.")

    def curve(self) -> Throttle:
        """The ledger's. Raises ``InvalidInput``."""
        if not (isfinite(self.start) and isfinite(self.shape)):
            raise InvalidInput("a throttle's start and shape are numbers", field="limits")
        return Throttle(round(self.start * 1_000_000), round(self.shape * 1_000), self.max_delay_ms)


@strawberry.input(
    description="A limit beside the budget's amount. Its amount is money for COST, bytes for SIZE, seconds "
    "for AGE, a count otherwise."
)
class LimitInput:
    """A limit as asked for."""

    meter: Meter
    amount: Decimal
    window: WindowKind | None
    enforcement: Enforcement = Enforcement.HARD
    resource: str | None
    each: Dimension | None
    throttle: ThrottleInput | None = strawberry.field(description="Of a THROTTLE limit; else it is as usual.")

    def spec(self) -> LimitSpec:
        """The ledger's. Raises ``InvalidInput``, ``PricingError``."""
        amount = (
            nano(self.amount, "limits") if self.meter is LedgerMeter.COST else whole(self.amount, "limits")
        )
        return LimitSpec(
            meter=self.meter,
            amount=amount or 0,
            window=self.window,
            enforcement=self.enforcement,
            resource=self.resource,
            each=None if self.each is None else self.each.value,
            throttle=None if self.throttle is None else self.throttle.curve(),
        )


@strawberry.input(
    description="A utilization at which the budget's limits tell budget.warning, once per window; at 1 it "
    "says how the limit itself is left."
)
class ThresholdInput:
    """A threshold as asked for."""

    at: float = strawberry.field(description="A fraction, above 0 and at most 1.")
    hysteresis: float | None = strawberry.field(
        description="Told as BUDGET_RECOVERED, once per window, when utilization falls below `at` by more "
        "than this. Without it nothing is told."
    )

    def threshold(self) -> Threshold:
        """The ledger's. Raises ``InvalidInput``."""
        hysteresis_ppm = None if self.hysteresis is None else ppm(self.hysteresis, "thresholds")
        return Threshold(ppm(self.at, "thresholds"), hysteresis_ppm)


@strawberry.input
class CreateBudgetInput:
    """A new budget."""

    budget_id: strawberry.ID
    budget_type: BudgetType
    parent_budget_id: strawberry.ID | None
    name: str | None
    amount: Decimal | None = strawberry.field(description="Without one the budget only tracks.")
    currency: str = "USD"
    resource_id: strawberry.ID | None
    period_start: InstantText | None
    period_end: InstantText | None
    recurrence: Recurrence = Recurrence.NONE
    timezone: str = "UTC"
    warning_threshold: float = 0.8
    priority: int | None
    carry_over_cap: Decimal | None = strawberry.field(
        description="How much of what a period leaves of the amount the next one has on top, at most. "
        "Without one nothing is carried over."
    )
    low_balance_threshold: Decimal | None = strawberry.field(
        description="The balance of its wallet that is low. Without one it is 0."
    )
    limits: list[LimitInput] = strawberry.field(default_factory=list)
    thresholds: list[ThresholdInput] = strawberry.field(
        default_factory=list, description="Further ones, beside warningThreshold and the limit itself."
    )
    cool_down_seconds: int = strawberry.field(
        default=0,
        description="For so long after it told something the budget tells nothing lower; what is held back "
        "is told then, if it is still so.",
    )

    def command(self, principal: Principal) -> CreateBudget:
        """The ledger's command. Raises ``InvalidInput``, ``PricingError``."""
        return CreateBudget(
            tenant=principal.tenant,
            scope_uid=principal.scope_uid,
            budget_id=self.budget_id,
            budget_type=self.budget_type,
            parent_budget_id=self.parent_budget_id,
            name=self.name,
            amount_nano=nano(self.amount, "amount"),
            currency=self.currency,
            resource_id=self.resource_id,
            period_start_us=instant_us(self.period_start, "period_start"),
            period_end_us=instant_us(self.period_end, "period_end"),
            recurrence=self.recurrence,
            timezone=self.timezone,
            warning_threshold_ppm=ppm(self.warning_threshold, "warning_threshold"),
            priority=self.priority,
            limits=tuple(each.spec() for each in self.limits),
            carry_over_cap_nano=nano(self.carry_over_cap, "carry_over_cap"),
            thresholds=tuple(each.threshold() for each in self.thresholds),
            cool_down_seconds=self.cool_down_seconds,
            low_balance_nano=nano(self.low_balance_threshold, "low_balance_threshold"),
            author=principal.key_id,
        )


@strawberry.input(description="What is left out stays as it is; an explicit null removes what may be absent.")
class UpdateBudgetInput:
    """Changes to a budget."""

    budget_id: strawberry.ID
    name: str | None = UNSET
    amount: Decimal | None = UNSET
    resource_id: strawberry.ID | None = UNSET
    period_start: InstantText | None = UNSET
    period_end: InstantText | None = UNSET
    recurrence: Recurrence | None = UNSET
    timezone: str | None = UNSET
    warning_threshold: float | None = UNSET
    priority: int | None = UNSET
    carry_over_cap: Decimal | None = UNSET
    low_balance_threshold: Decimal | None = UNSET
    limits: list[LimitInput] | None = strawberry.field(
        default=UNSET, description="All limits beside the amount: those not named are dropped."
    )
    thresholds: list[ThresholdInput] | None = strawberry.field(
        default=UNSET, description="All further thresholds: those not named are dropped."
    )
    cool_down_seconds: int | None = UNSET
    put_limits: list[LimitInput] | None = strawberry.field(
        default=UNSET,
        description="Limits that are added, or take the place of those with the same meter, window, resource "
        "and each; the others stay.",
    )

    def command(self, principal: Principal) -> UpdateBudget:
        """The ledger's command. Raises ``InvalidInput``, ``PricingError``."""
        said = {name: value for name, value in vars(self).items() if value is not UNSET}
        del said["budget_id"]
        for name in _KEPT:
            if name in said and said[name] is None:
                raise InvalidInput(f"{name} cannot be removed: leave it out to keep it", field=name)
        changes: dict[str, Any] = {}
        for name, value in said.items():
            inner, convert = _CHANGES.get(name, (name, _as_it_is))
            changes[inner] = convert(value, name)
        return UpdateBudget(principal.tenant, principal.scope_uid, self.budget_id, changes, principal.key_id)


def _as_it_is(value: Any, _field: str) -> Any:
    return value


_KEPT: Final = (
    "recurrence",
    "timezone",
    "warning_threshold",
    "limits",
    "put_limits",
    "thresholds",
    "cool_down_seconds",
)
"""What a budget always has."""


def _thresholds(value: list[ThresholdInput], _field: str) -> tuple[Threshold, ...]:
    return tuple(each.threshold() for each in value)


def _specs(value: list[LimitInput], _field: str) -> tuple[LimitSpec, ...]:
    return tuple(each.spec() for each in value)


_CHANGES: Final[dict[str, tuple[str, Callable[[Any, str], Any]]]] = {
    "amount": ("amount_nano", nano),
    "period_start": ("period_start_us", instant_us),
    "period_end": ("period_end_us", instant_us),
    "warning_threshold": ("warning_threshold_ppm", ppm),
    "carry_over_cap": ("carry_over_cap_nano", nano),
    "low_balance_threshold": ("low_balance_nano", nano),
    "limits": ("limits", _specs),
    "thresholds": ("thresholds", _thresholds),
    "put_limits": ("put_limits", _specs),
}
"""The ledger's word for a field, and how its value becomes the ledger's; the others are the same."""


@strawberry.input(
    description="More of a limit for a while, from now on unless `from` says when. Without a meter it is the "
    "budget's amount that is increased; else meter, window, resource and each name the limit."
)
class IncreaseLimitInput:
    """A temporary increase."""

    idempotency_key: strawberry.ID
    budget_id: strawberry.ID
    amount: Decimal = strawberry.field(description="How much more, in the limit's unit.")
    until: InstantText
    from_: InstantText | None = strawberry.field(name="from")
    meter: Meter | None
    window: WindowKind | None
    resource: str | None
    each: Dimension | None

    def command(self, principal: Principal) -> IncreaseLimit:
        """The ledger's command. Raises ``InvalidInput``, ``PricingError``."""
        if self.meter is None and (self.window or self.resource or self.each):
            raise InvalidInput("meter is missing: it names the limit with the others", field="meter")
        money = self.meter in {None, LedgerMeter.COST}
        amount = nano(self.amount, "amount") if money else whole(self.amount, "amount")
        each = None if self.each is None else self.each.value
        return IncreaseLimit(
            principal.tenant,
            principal.scope_uid,
            self.idempotency_key,
            self.budget_id,
            amount or 0,
            instant_us(self.until, "until") or 0,
            instant_us(self.from_, "from"),
            AMOUNT_LIMIT if self.meter is None else key_of(self.meter, self.window, self.resource, each),
            principal.key_id,
        )

"""Balances as a source document has them (003:21-48, 003:425-450): of a user in a project.

What may be spent is said by one budget: the one scoped to the user below the project if there is one, else
the project's. Its wallet is the balance; a budget without one has its amount for a balance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger.model import Budget, BudgetType, Enforcement, Limit, Meter, Recurrence, WindowKind
from ledger.view import View
from ledger.wallets import balance_is_low
from ledger.windows import LimitStatus, Standing
from pricing.money import format_nano

INSUFFICIENT_BALANCE: Final = "insufficient_balance"
PER_REQUEST_LIMIT: Final = "per_request_limit"
DAILY_LIMIT: Final = "daily_limit"
MONTHLY_LIMIT: Final = "monthly_limit"
_OF_A_PERIOD: Final = {WindowKind.DAY: Recurrence.DAILY, WindowKind.MONTH: Recurrence.MONTHLY}


class Room(NamedTuple):
    """A limit, and what is spent and held of it already; in nano-units."""

    limit_nano: int
    current_nano: int

    @property
    def left_nano(self) -> int:
        """What may still be asked for; below zero where more was spent."""
        return self.limit_nano - self.current_nano


class BalanceViolation(NamedTuple):
    """Why an amount is too much; in nano-units."""

    type: str
    limit_nano: int
    current_nano: int
    requested_nano: int
    message: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Further limits that a caller names; in nano-units."""

    per_request_limit_nano: int | None = None
    daily_limit_nano: int | None = None
    monthly_limit_nano: int | None = None


NO_POLICY: Final = Policy()


@dataclass(frozen=True, slots=True)
class Balance:
    """What a budget says of the money that may be spent; None where it does not limit it."""

    balance: Room | None
    """Its credit and what is spent and held of it; of a budget without a wallet, of its amount."""
    reserved_nano: int
    per_request: Room | None
    daily: Room | None
    monthly: Room | None
    low: bool

    @property
    def total_nano(self) -> int | None:
        """What is not spent, held or not."""
        return None if self.balance is None else self.balance.left_nano + self.reserved_nano

    @property
    def available_nano(self) -> int | None:
        """What is neither spent nor held."""
        return None if self.balance is None else self.balance.left_nano


def governing(view: View, project: Budget, user_id: str) -> Budget:
    """The budget whose limits and wallet are those of a user in a project."""
    for child in view.children(project):
        if (
            child.budget_type is BudgetType.USER
            and child.closed_at_us is None
            and child.resource_id == user_id
        ):
            return child
    return project


def balance_of(standing: Standing) -> Balance:
    """What a budget says of the money that may be spent."""
    source = standing.wallet or _amount_of(standing)
    room = None if source is None else _room(source)
    reserved = standing.reserved if source is None else source.window.reserved
    total_nano = None if room is None else room.left_nano + reserved
    return Balance(
        room,
        reserved,
        _least(Room(each.amount, 0) for each in _per_request(standing.budget) if each.amount is not None),
        _least(_rooms(standing, WindowKind.DAY)),
        _least(_rooms(standing, WindowKind.MONTH)),
        total_nano is not None and balance_is_low(standing.budget, total_nano),
    )


def violations(
    balance: Balance, policy: Policy, requested_nano: int, today_nano: int, month_nano: int
) -> list[BalanceViolation]:
    """Everything that an amount would pass, in the source's order; with what was spent so far."""
    asked = format_nano(requested_nano)
    found: list[BalanceViolation] = []

    def look(kind: str, room: Room | None, text: str) -> None:
        if room is not None and requested_nano > room.left_nano:
            current, limit = format_nano(room.current_nano), format_nano(room.limit_nano)
            left = format_nano(max(0, room.left_nano))
            message = text.format(asked=asked, current=current, limit=limit, left=left)
            found.append(BalanceViolation(kind, room.limit_nano, room.current_nano, requested_nano, message))

    per_request = _with(balance.per_request, policy.per_request_limit_nano, 0)
    daily = _with(balance.daily, policy.daily_limit_nano, today_nano)
    monthly = _with(balance.monthly, policy.monthly_limit_nano, month_nano)
    look(INSUFFICIENT_BALANCE, balance.balance, "Insufficient balance: {asked} requested, {left} available")
    look(PER_REQUEST_LIMIT, per_request, "Cost of one request exceeded: {asked} / {limit}")
    look(DAILY_LIMIT, daily, "Daily cost quota exceeded: {current} / {limit}")
    look(MONTHLY_LIMIT, monthly, "Monthly cost quota exceeded: {current} / {limit}")
    return found


def _with(room: Room | None, limit_nano: int | None, current_nano: int) -> Room | None:
    """The tighter one of a budget's limit and a policy's."""
    said = () if limit_nano is None else (Room(limit_nano, current_nano),)
    return _least((*said, *(() if room is None else (room,))))


def _least(rooms: "Iterator[Room] | tuple[Room, ...]") -> Room | None:
    return min(rooms, key=lambda each: each.left_nano, default=None)


def _room(status: LimitStatus) -> Room:
    return Room(status.amount or 0, status.window.spent + status.window.reserved)


def _amount_of(standing: Standing) -> LimitStatus | None:
    own = standing.limits[0]
    return own if own.amount is not None else None


def _refuses(limit: Limit) -> bool:
    return (
        limit.meter is Meter.COST
        and limit.counts_all
        and limit.amount is not None
        and limit.enforcement is not Enforcement.SOFT
    )


def _per_request(budget: Budget) -> Iterator[Limit]:
    return (each for each in budget.limits if each.window is WindowKind.REQUEST and _refuses(each))


def _rooms(standing: Standing, window: WindowKind) -> Iterator[Room]:
    """The limits on a calendar day's or month's cost; a budget's amount is one where it recurs so."""
    for each in standing.limits:
        kind = each.limit.window
        own = kind is WindowKind.PERIOD and standing.budget.recurrence is _OF_A_PERIOD[window]
        if (kind is window or own) and _refuses(each.limit):
            yield _room(each)

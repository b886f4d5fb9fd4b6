"""The ledger's rules written down a second time, as simply as they can be: lists, and sums over all of them.

Slow and obviously right (as far as it goes: windows of UTC minutes and days and lifetimes, one agent, prices
given). What it says is compared with what the ledger decides.
"""

from dataclasses import dataclass, field

from ledger.commands import (
    CloseBudget,
    Command,
    CreateBudget,
    Extend,
    LimitSpec,
    MoveBudget,
    Record,
    Release,
    Reserve,
    Settle,
    Sweep,
    UpdateBudget,
)
from ledger.model import Enforcement, Meter, WindowKind
from ledger.override_commands import CreateOverride, RevokeOverride
from ledger.usage import Usage
from tests.support.world import DAY_US, MINUTE_US

Outcome = tuple[object, ...]

_LENGTH = {WindowKind.MINUTE: MINUTE_US, WindowKind.DAY: DAY_US}


@dataclass
class NaiveBudget:
    parent: str | None
    limits: list[tuple[Meter, WindowKind, int, Enforcement]]
    closed: bool = False


@dataclass
class NaiveHold:
    key: str
    chain: tuple[str, ...]
    at_us: int
    expires_us: int
    amount: int
    left: dict[Meter, int]
    state: str = "HELD"
    charged: int = 0
    override: "NaiveOverride | None" = None
    taken: int = 0
    """What it has of the override."""

    def end(self, state: str) -> None:
        self.state = state
        self.taken = min(self.taken, self.charged)


@dataclass
class NaiveOverride:
    budget: str
    amount: int
    until_us: int
    revoked: bool = False


@dataclass
class Charge:
    chain: tuple[str, ...]
    at_us: int
    amounts: dict[Meter, int]


@dataclass
class Operation:
    identity: tuple[object, ...]
    counts: tuple[int, int]
    charged: int
    usage: Usage


@dataclass
class Naive:
    budgets: dict[str, NaiveBudget] = field(default_factory=dict)
    holds: dict[str, NaiveHold] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    operations: dict[str, Operation] = field(default_factory=dict)
    extended: set[str] = field(default_factory=set)
    expired: list[tuple[NaiveHold, int]] = field(default_factory=list)
    """What has expired in this batch, with what it had of its override."""
    overrides: dict[str, NaiveOverride] = field(default_factory=dict)

    def chain(self, budget_id: str) -> tuple[str, ...]:
        found: list[str] = []
        at: str | None = budget_id
        while at is not None:
            found.append(at)
            at = self.budgets[at].parent
        return tuple(found)

    def decide(self, command: Command, now_us: int) -> Outcome:  # noqa: C901, PLR0911, PLR0912 - one line a command
        for hold in self.holds.values():
            if hold.state == "HELD" and hold.expires_us <= now_us:
                self.expired.append((hold, hold.taken))
                hold.end("EXPIRED")
        match command:
            case CreateBudget():
                self.budgets[command.budget_id] = NaiveBudget(
                    command.parent_budget_id, _limits(command.amount_nano, command.limits)
                )
                return ("budget",)
            case UpdateBudget():
                return self._update(command)
            case MoveBudget():
                return self._move(command)
            case CloseBudget():
                self.budgets[command.budget_id].closed = True
                return ("budget",)
            case Reserve():
                return self._reserve(command, now_us)
            case Settle():
                return self._settle(command, now_us)
            case Extend():
                return self._extend(command, now_us)
            case Release():
                return self._release(command)
            case Record():
                return self._record(command, now_us)
            case Sweep():
                return ("swept",)
            case CreateOverride():
                return self._grant(command, now_us)
            case RevokeOverride():
                return self._revoke(command)
            case _:
                raise AssertionError(command)

    def _update(self, command: UpdateBudget) -> Outcome:
        budget = self.budgets[command.budget_id]
        if budget.closed:
            return ("error", "BUDGET_CLOSED")
        own = [each for each in budget.limits if each[1] is WindowKind.LIFETIME]
        others = [each for each in budget.limits if each[1] is not WindowKind.LIFETIME]
        if "amount_nano" in command.changes:
            own = _limits(command.changes["amount_nano"], ())
        if "limits" in command.changes:
            others = _limits(None, command.changes["limits"])
        budget.limits = own + others
        return ("budget",)

    def _move(self, command: MoveBudget) -> Outcome:
        parent = command.new_parent_budget_id
        if self.budgets[command.budget_id].closed:
            return ("error", "BUDGET_CLOSED")
        if parent is not None:
            if command.budget_id in self.chain(parent):
                return ("error", "CYCLE")
            if self.budgets[parent].closed:
                return ("error", "BUDGET_CLOSED")
        self.budgets[command.budget_id].parent = parent
        return ("budget",)

    def passed(
        self, chain: tuple[str, ...], asked: dict[Meter, int], now_us: int, but: NaiveHold | None = None
    ) -> set[Enforcement]:
        """How hard the limits are that this would pass."""
        hard: set[Enforcement] = set()
        for budget_id in chain:
            for meter, window, amount, enforcement in self.budgets[budget_id].limits:
                if but is not None and _same_window(window, but.at_us, now_us) and budget_id in but.chain:
                    continue
                spent, reserved = self.figures(budget_id, meter, window, now_us)
                if spent + reserved + asked[meter] > amount:
                    hard.add(enforcement)
        return hard - {Enforcement.SOFT}

    def delay_ms(self, chain: tuple[str, ...], asked: dict[Meter, int], now_us: int) -> int:
        """The longest delay that a THROTTLE limit asks for: as usual, from 80 % on, squared, up to 10 s."""
        delays = [0]
        for budget_id in chain:
            for meter, window, amount, enforcement in self.budgets[budget_id].limits:
                if enforcement is not Enforcement.THROTTLE or not amount:
                    continue
                spent, reserved = self.figures(budget_id, meter, window, now_us)
                used = (spent + reserved + asked[meter]) / amount
                if used >= 1:
                    delays.append(10_000)
                elif used > 0.8:
                    steep = ((used - 0.8) / (1 - 0.8)) ** 2
                    delays.append(round(10_000 * steep * _ahead(used, window, now_us)))
        return max(delays)

    def figures(self, budget_id: str, meter: Meter, window: WindowKind, at_us: int) -> tuple[int, int]:
        spent = sum(
            each.amounts[meter]
            for each in self.charges
            if budget_id in each.chain and _same_window(window, each.at_us, at_us)
        )
        reserved = sum(
            each.left[meter]
            for each in self.holds.values()
            if each.state == "HELD" and budget_id in each.chain and _same_window(window, each.at_us, at_us)
        )
        return spent, reserved

    def _reserve(self, command: Reserve, now_us: int) -> Outcome:
        known = self.holds.get(command.reservation_id)
        if known is not None and not command.dry_run:
            return self._as_is(known)
        assert command.budget_id is not None
        assert command.amount_nano is not None
        chain = self.chain(command.budget_id)
        if any(self.budgets[each].closed for each in chain):
            return ("error", "BUDGET_CLOSED")
        tokens = (command.prompt_tokens or 0) + (command.max_completion_tokens or 0)
        asked = {Meter.COST: command.amount_nano, Meter.TOKENS: tokens, Meter.REQUESTS: 1}
        refused = self.passed(chain, asked, now_us)
        override = self._override(chain, command.amount_nano, now_us) if refused else None
        if override is None and Enforcement.HARD in refused:
            return ("exceeded",)
        if override is None and refused:
            return ("throttled",)
        if command.dry_run:
            return ("reservation", "RELEASED", command.amount_nano, 0)
        # Who is asked to wait holds for as long after that; what passes by an override waits for nothing.
        delay_ms = 0 if refused else self.delay_ms(chain, asked, now_us)
        hold = NaiveHold(
            command.reservation_id,
            chain,
            now_us,
            now_us + delay_ms * 1_000 + command.ttl_seconds * 1_000_000,
            command.amount_nano,
            asked,
            override=override,
            taken=0 if override is None else command.amount_nano,
        )
        self.holds[hold.key] = hold
        return self._as_is(hold)

    def used(self, override: NaiveOverride) -> int:
        return sum(each.taken for each in self.holds.values() if each.override is override)

    def _override(self, chain: tuple[str, ...], amount: int, now_us: int) -> NaiveOverride | None:
        found = [
            (each.until_us, key, each)
            for key, each in self.overrides.items()
            if each.budget in chain
            and not each.revoked
            and each.until_us > now_us
            and 0 < amount <= each.amount - self.used(each)
        ]
        return min(found)[2] if found else None

    def _grant(self, command: CreateOverride, now_us: int) -> Outcome:
        known = self.overrides.get(command.override_id)
        if known is None:
            if self.budgets[command.budget_id].closed:
                return ("error", "BUDGET_CLOSED")
            if command.until_us <= now_us:
                return ("error", "INVALID")
            known = NaiveOverride(command.budget_id, command.amount_nano, command.until_us)
            self.overrides[command.override_id] = known
        return ("override", known.amount, known.revoked)

    def _revoke(self, command: RevokeOverride) -> Outcome:
        known = self.overrides.get(command.override_id)
        if known is None:
            return ("error", "NOT_FOUND")
        known.revoked = True
        return ("override", known.amount, known.revoked)

    def _as_is(self, hold: NaiveHold) -> Outcome:
        left = hold.left[Meter.COST] if hold.state == "HELD" else 0
        return ("reservation", hold.state, hold.amount, left)

    def _release(self, command: Release) -> Outcome:
        hold = self.holds.get(command.reservation_id)
        if hold is None:
            return ("error", "NOT_FOUND")
        if hold.state == "HELD":
            hold.end("RELEASED")
        return self._as_is(hold)

    def _extend(self, command: Extend, now_us: int) -> Outcome:  # noqa: C901, PLR0911 - plain rules, one by one
        hold = self.holds.get(command.reservation_id)
        if hold is None:
            return ("error", "NOT_FOUND")
        if command.request_uid in self.extended:
            return self._as_is(hold)
        if hold.state != "HELD":
            return ("error", "CONFLICT")
        added = command.add_amount_nano
        moved = any(
            not _same_window(window, hold.at_us, now_us)
            for each in hold.chain
            for _, window, _, _ in self.budgets[each].limits
        )
        if any(self.budgets[each].closed for each in hold.chain) and (added or moved):
            return ("error", "BUDGET_CLOSED")
        new = {**hold.left, Meter.COST: hold.left[Meter.COST] + added}
        refused = self.passed(hold.chain, new, now_us, but=hold) if moved else set[Enforcement]()
        if added:
            for each in hold.chain:
                for meter, window, amount, enforcement in self.budgets[each].limits:
                    if meter is Meter.COST and _same_window(window, hold.at_us, now_us):
                        spent, reserved = self.figures(each, meter, window, now_us)
                        if spent + reserved + added > amount:
                            refused.add(enforcement)
        if Enforcement.HARD in refused:
            return ("exceeded",)
        if Enforcement.THROTTLE in refused:
            return ("throttled",)
        hold.left = new
        hold.amount += added
        hold.expires_us = max(hold.expires_us, now_us + command.ttl_seconds * 1_000_000)
        if moved:
            hold.at_us = now_us
        self.extended.add(command.request_uid)
        return self._as_is(hold)

    def _settle(self, command: Settle, now_us: int) -> Outcome:
        del now_us
        hold = self.holds.get(command.reservation_id)
        if hold is None:
            return ("error", "NOT_FOUND")
        late = hold.state != "HELD"
        results: list[str] = []
        charged = 0
        news = False
        for usage, quote in command.usages:
            counts = usage.sent.prompt_tokens, usage.sent.completion_tokens
            known = self.operations.get(usage.sent.operation_id)
            if known is not None and known.identity != _identity(usage):
                results.append("conflict")
                continue
            before = known.counts if known is not None else (0, 0)
            paid = known.charged if known is not None else 0
            higher = any(new > old for new, old in zip(counts, before, strict=True))
            lower = any(new < old for new, old in zip(counts, before, strict=True))
            if known is not None and higher and lower:
                results.append("conflict")
                continue
            if known is not None and not higher:
                results.append("duplicate")
                continue
            news = True
            cost = max(0, quote.total_nano - paid)
            amounts = {
                Meter.COST: cost,
                Meter.TOKENS: sum(counts) - sum(before),
                Meter.REQUESTS: 1 if known is None else 0,
            }
            self.charges.append(Charge(hold.chain, hold.at_us, amounts))
            if hold.state == "HELD":
                hold.left = {meter: max(0, left - amounts[meter]) for meter, left in hold.left.items()}
            charged += cost
            hold.charged += cost
            self.operations[usage.sent.operation_id] = Operation(_identity(usage), counts, paid + cost, usage)
            results.append("charged")
        if results and all(each == "conflict" for each in results):
            return ("conflict",)
        pure = not news and hold.state in {"SETTLED", "RELEASED"}
        if command.final and hold.state == "HELD":
            hold.end("SETTLED")
        elif command.final and hold.state == "EXPIRED" and news:
            hold.state = "SETTLED"
        return ("settled", tuple(results), None if pure else charged, late and news, self._as_is(hold))

    def _record(self, command: Record, now_us: int) -> Outcome:
        usage = command.usage
        known = self.operations.get(usage.sent.operation_id)
        counts = usage.sent.prompt_tokens, usage.sent.completion_tokens
        if known is not None:
            same = known.usage.fingerprint == usage.fingerprint
            return ("duplicate",) if same else ("conflict",)
        assert usage.sent.budget_id is not None
        at_us = now_us if usage.timestamp_us is None else usage.timestamp_us
        if at_us > now_us + 5 * MINUTE_US:
            at_us = now_us
        amounts = {Meter.COST: command.quote.total_nano, Meter.TOKENS: sum(counts), Meter.REQUESTS: 1}
        self.charges.append(Charge(self.chain(usage.sent.budget_id), at_us, amounts))
        self.operations[usage.sent.operation_id] = Operation(
            _identity(usage), counts, command.quote.total_nano, usage
        )
        return ("charged",)


def _identity(usage: Usage) -> tuple[object, ...]:
    return (usage.sent.agent_id, usage.sent.model_id, usage.sent.user_id)


def _same_window(window: WindowKind, left_us: int, right_us: int) -> bool:
    length = _LENGTH.get(window)
    return length is None or left_us // length == right_us // length


def _ahead(used: float, window: WindowKind, at_us: int) -> float:
    """How far spending is ahead of the time that has passed of a window; fully, where it never ends."""
    length = _LENGTH.get(window)
    if length is None:
        return 1.0
    gone = at_us % length / length
    return max(0.0, (used - gone) / (1 - gone))


def _limits(
    amount: int | None, specs: tuple[LimitSpec, ...]
) -> list[tuple[Meter, WindowKind, int, Enforcement]]:
    own = [] if amount is None else [(Meter.COST, WindowKind.LIFETIME, amount, Enforcement.HARD)]
    return [
        *own,
        *((each.meter, each.window or WindowKind.DAY, each.amount, each.enforcement) for each in specs),
    ]

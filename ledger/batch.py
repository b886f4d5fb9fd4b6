"""One batch: lock, load, decide, write, in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger.changes import Changes, LedgerHead
from ledger.commands import (
    Adjust,
    Command,
    Extend,
    IncreaseLimit,
    Record,
    RegisterAgent,
    Release,
    Reserve,
    Settle,
    Stream,
    TopUp,
)
from ledger.decide import Answer, decide
from ledger.model import ChargePath, Limit, uid_of
from ledger.plan import Facts, windows_of_plan
from ledger.ports import LedgerStore, LedgerTransaction, Wanted
from ledger.record import facts_of_record, payer
from ledger.reserve import facts_of_reserve, payer_of
from ledger.state import PlanKey, TenantState
from ledger.tree import BudgetTree
from ledger.usage import Usage
from ledger.windows import Span, window_uid
from pricing.ports import RateSource
from pricing.prices import Prices


@dataclass(frozen=True, slots=True)
class Batch:
    """A committed batch: answers in the order of the commands, and what was written per tenant."""

    answers: list[Answer]
    changes: list[Changes]

    @property
    def written(self) -> bool:
        """False where every command was a repetition or refused."""
        return bool(self.changes)


def attempt(
    store: LedgerStore,
    states: dict[str, TenantState],
    commands: Sequence[Command],
    now_us: int,
    lists: Sequence[RateSource] = (),
) -> Batch:
    """Decide and commit some commands. ``states`` is kept between batches; clear it when this raises.

    ``lists`` are the price lists that the tenants' own cards lie over.
    """
    by_tenant: dict[str, list[int]] = {}
    for index, command in enumerate(commands):
        by_tenant.setdefault(command.tenant, []).append(index)
    wanted = _wanted(commands)
    kept = {each: states[each].take_kept(wanted.holds) for each in by_tenant if each in states}
    known = {uid: hold for holds in kept.values() for uid, hold in holds.items()}
    answers: dict[int, Answer] = {}
    written: list[Changes] = []
    with store.transaction() as transaction:
        asked = wanted._replace(holds=[uid for uid in wanted.holds if uid not in known])
        locked = transaction.lock(sorted(by_tenant), asked)
        for tenant, indexes in by_tenant.items():
            before = states.get(tenant)
            state = states[tenant] = _state(transaction, before, locked.heads[tenant], lists)
            own = [commands[index] for index in indexes]
            state.operations = {uid: locked.operations.get(uid) for uid in wanted.operations}
            if own_kept := kept.get(tenant):
                # Somebody else committed meanwhile: what was kept may be of the past.
                locked.holds.update(own_kept if state is before else transaction.holds(own_kept))
            state.holds = {uid: locked.holds.get(uid) for uid in wanted.holds}
            state.requests = {uid: locked.requests.get(uid) for uid in wanted.requests}
            _load(state, own, max(now_us, state.head.last_now_us))
            answers.update(zip(indexes, decide(state, own, now_us), strict=True))
            if state.changes:
                state.head.commits += 1
                state.changes.head = state.head
                written.append(state.changes)
        if written:
            transaction.write(written)
        else:
            transaction.cancel()
    for tenant in by_tenant:
        states[tenant].settled()
    return Batch([answers[index] for index in range(len(commands))], written)


def _state(
    transaction: LedgerTransaction,
    known: TenantState | None,
    head: LedgerHead,
    lists: Sequence[RateSource],
) -> TenantState:
    """The state of the last batch if nobody else committed since, else a fresh one on the known tree."""
    if known is not None and known.head.commits == head.commits:
        known.reader = transaction
        known.head = head
        return known
    tree = BudgetTree(head.tenant) if known is None else known.tree
    prices = Prices(lists) if known is None else known.prices
    since = -1 if known is None else known.head.version
    if since != head.version:
        for budget in transaction.budgets(head.tenant, since):
            tree.put(budget)
        transaction.prices(head.tenant, since, prices)
    return TenantState(head, tree, transaction, prices=prices)


def _wanted(commands: Iterable[Command]) -> Wanted:
    """What is looked up together with the lock: everything that the commands name."""
    operations: dict[str, None] = {}
    holds: dict[str, None] = {}
    requests: dict[str, None] = {}
    for command in commands:
        for usage in _usages(command):
            operations.update(_named(command.tenant, usage))
        match command:
            case Reserve():
                holds[command.uid] = None
                if command.parent_operation_id is not None:
                    operations[uid_of(command.tenant, command.parent_operation_id)] = None
            case Settle() | Stream() | Release():
                holds[uid_of(command.tenant, command.reservation_id)] = None
            case Extend():
                holds[uid_of(command.tenant, command.reservation_id)] = None
                requests[command.request_uid] = None
            case Adjust() | IncreaseLimit() | TopUp():
                requests[command.request_uid] = None
            case _:
                pass
    return Wanted(list(operations), list(holds), list(requests))


def _usages(command: Command) -> Iterator[Usage]:
    """What a command records."""
    match command:
        case Record() | Stream():
            yield command.usage
        case Settle():
            for usage, _ in command.usages:
                yield usage
        case _:
            pass


def _named(tenant: str, usage: Usage) -> dict[str, None]:
    """The operations that a usage names: its own, and the one that delegated it."""
    sent = usage.sent
    named: dict[str, None] = {uid_of(tenant, sent.operation_id): None}
    if sent.parent_operation_id is not None:
        named[uid_of(tenant, sent.parent_operation_id)] = None
    return named


def _load(state: TenantState, commands: Sequence[Command], now_us: int) -> None:
    """Load what the commands will need, in few look-ups. What is missed here is read when it is needed."""
    state.load_agents(_agents(state, commands))
    recorded = (usage.sent.operation_id for command in commands for usage in _usages(command))
    state.load_awaited(uid_of(state.tenant, each) for each in recorded)
    paths: dict[str, ChargePath] = {}
    windows: dict[str, tuple[Limit, Span, str | None]] = {}
    held: list[str] = []
    seen: set[PlanKey] = set()
    for path, facts, at_us in _charges(state, commands, held, now_us):
        key = state.plan_key(path, facts, at_us)
        if key in seen:
            continue
        seen.add(key)
        paths[path.uid] = path
        if state.has_plan(key, at_us):
            continue
        for limit, span, member in windows_of_plan(state.tree, path, facts, at_us):
            windows[window_uid(limit, span, member)] = limit, span, member
    state.load_paths(paths.values())
    state.load_windows(windows)
    state.load_windows_at(held)


def _agents(state: TenantState, commands: Sequence[Command]) -> Iterator[str]:
    for command in commands:
        match command:
            case Record():
                yield uid_of(state.tenant, command.usage.sent.agent_id)
            case Reserve():
                yield command.agent_uid
            case RegisterAgent():
                yield uid_of(state.tenant, command.agent_id)
            case Settle() | Stream():
                hold = state.holds.get(uid_of(state.tenant, command.reservation_id))
                if hold is not None:
                    yield uid_of(state.tenant, hold.agent_id)
            case _:
                pass


def _charges(
    state: TenantState, commands: Sequence[Command], held: list[str], now_us: int
) -> Iterator[tuple[ChargePath, Facts, int]]:
    """The paths that the commands will charge, when; adds to ``held`` the windows that their holds are on."""
    for command in commands:
        match command:
            case Record():
                sent = command.usage.sent
                agent = state.agent(uid_of(state.tenant, sent.agent_id))
                facts = facts_of_record(state, command, agent)
                at_us = command.usage.timestamp_us or now_us
                yield state.tree.path(payer(state, command, agent, []), facts), facts, at_us
            case Reserve():
                agent = state.agent(command.agent_uid)
                uid = payer_of(state, command, agent)
                if uid is not None:
                    facts = facts_of_reserve(state, command, agent)
                    yield state.tree.path(uid, facts), facts, now_us
            case Settle() | Stream() | Extend() | Release():
                hold = state.holds.get(uid_of(state.tenant, command.reservation_id))
                if hold is not None:
                    held.extend(uid for uids in hold.windows for uid in uids)
                    yield hold.path, hold.facts(), hold.at_us
            case _:
                pass

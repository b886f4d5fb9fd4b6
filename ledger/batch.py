"""One batch: lock, load, decide, write, in one transaction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger.changes import Changes, LedgerHead
from ledger.commands import Command, Record, RegisterAgent
from ledger.decide import Answer, decide
from ledger.model import ChargePath, Limit, uid_of
from ledger.ports import LedgerStore, LedgerTransaction
from ledger.record import payer, provider_of
from ledger.state import TenantState
from ledger.tree import BudgetTree
from ledger.windows import Span, window_span


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
    store: LedgerStore, states: dict[str, TenantState], commands: Sequence[Command], now_us: int
) -> Batch:
    """Decide and commit some commands. ``states`` is kept between batches; clear it when this raises."""
    by_tenant: dict[str, list[int]] = {}
    for index, command in enumerate(commands):
        by_tenant.setdefault(command.tenant, []).append(index)
    operation_uids = list(dict.fromkeys(_operation_uids(commands)))
    answers: dict[int, Answer] = {}
    written: list[Changes] = []
    with store.transaction() as transaction:
        heads, operations = transaction.lock(sorted(by_tenant), operation_uids)
        for tenant, indexes in by_tenant.items():
            state = states[tenant] = _state(transaction, states.get(tenant), heads[tenant])
            own = [commands[index] for index in indexes]
            state.operations = {uid: operations.get(uid) for uid in operation_uids}
            _load(state, own)
            before = (state.head.seq, state.head.version)
            answers.update(zip(indexes, decide(state, own, now_us), strict=True))
            if _changed(state, before):
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


def _changed(state: TenantState, before: tuple[int, int]) -> bool:
    return before != (state.head.seq, state.head.version) or bool(state.changes.agents)


def _state(transaction: LedgerTransaction, known: TenantState | None, head: LedgerHead) -> TenantState:
    """The state of the last batch if nobody else committed since, else a fresh one on the known tree."""
    if known is not None and known.head.commits == head.commits:
        known.reader = transaction
        known.head = head
        return known
    tree = BudgetTree(head.tenant) if known is None else known.tree
    since = -1 if known is None else known.head.version
    if since != head.version:
        for budget in transaction.budgets(head.tenant, since):
            tree.put(budget)
    return TenantState(head, tree, transaction)


def _load(state: TenantState, commands: Sequence[Command]) -> None:
    """Load what the commands will need, in few look-ups. What is missed here is read when it is needed."""
    records = [command for command in commands if isinstance(command, Record)]
    agents = [uid_of(state.tenant, command.usage.sent.agent_id) for command in records]
    agents += [uid_of(state.tenant, each.agent_id) for each in commands if isinstance(each, RegisterAgent)]
    state.load_agents(agents)
    paths = _paths(state, records)
    state.load_paths(path for path, _, _ in paths)
    state.load_windows(_windows(state, paths))


def _operation_uids(commands: Iterable[Command]) -> Iterator[str]:
    for command in commands:
        if isinstance(command, Record):
            sent = command.usage.sent
            yield uid_of(command.tenant, sent.operation_id)
            if sent.parent_operation_id is not None:
                yield uid_of(command.tenant, sent.parent_operation_id)


def _paths(state: TenantState, records: Iterable[Record]) -> list[tuple[ChargePath, int, int]]:
    """The paths that the records will charge, each with its earliest and latest instant."""
    last_us = state.head.last_now_us
    seen: dict[tuple[str | None, ...], tuple[ChargePath, int, int]] = {}
    for command in records:
        sent, at_us = command.usage.sent, command.usage.timestamp_us or last_us
        key = (
            command.scope_uid,
            sent.budget_id,
            sent.parent_operation_id,
            sent.agent_id,
            sent.user_id,
            sent.provider,
            sent.model_id,
        )
        if (known := seen.get(key)) is not None:
            seen[key] = (known[0], min(known[1], at_us), max(known[2], at_us))
            continue
        agent = state.agent(uid_of(state.tenant, sent.agent_id))
        facts = {
            "user_id": sent.user_id,
            "provider": sent.provider or provider_of(command.quote),
            "model_id": sent.model_id,
            "agent_id": sent.agent_id,
        }
        path = state.tree.path(payer(state, command, agent, []), facts)
        seen[key] = (path, at_us, at_us)
    return list(seen.values())


def _windows(
    state: TenantState, paths: Iterable[tuple[ChargePath, int, int]]
) -> Iterator[tuple[Limit, Span]]:
    for path, first_us, last_us in paths:
        for budget_uid in path.budget_uids:
            budget = state.tree.get(budget_uid)
            if budget is None:
                continue
            for limit in budget.limits:
                for at_us in {first_us, last_us}:
                    span = window_span(budget, limit, at_us)
                    if span is not None:
                        yield limit, span

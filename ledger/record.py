"""Decide the recording of one usage: who pays, what it counts in, what the caller should know.

Recorded spend is never dropped: the money is gone whatever we answer. Only content that can never be
recorded, and an id that is taken by other content, are refused.
"""

from dataclasses import replace

from ledger.booking import Booking, amounts_of, book, past_64_bits, timestamp_of
from ledger.charge import NOTHING, as_seen, fits
from ledger.commands import Record
from ledger.delegation import refused
from ledger.deviations import note_deviation
from ledger.model import Agent, Warning, uid_of
from ledger.plan import Facts, resource_of
from ledger.prices import count_in_month, price_on
from ledger.reader import KnownOperation
from ledger.results import InvalidUsage, OperationConflict, RecordResult
from ledger.state import TenantState
from pricing.quote import Quote

BUDGET_UNKNOWN = "BUDGET_UNKNOWN"


def record(state: TenantState, command: Record, now_us: int) -> RecordResult:
    """Decide one recording and note what it changes."""
    sent = command.usage.sent
    known = state.operation(uid_of(command.tenant, sent.operation_id))
    if known is not None:
        return _repeated(state, command, known)
    wrong = refused(state, command.usage)
    if wrong is not None:
        return wrong

    warnings: list[Warning] = []
    timestamp_us = timestamp_of(command.usage, now_us, warnings)
    agent_uid = uid_of(command.tenant, sent.agent_id)
    agent = state.agent(agent_uid)
    facts = facts_of_record(state, command, agent)
    path = state.tree.path(payer(state, command, agent, warnings), facts)
    priced = price_on(state, path, command.usage, command.quote, min(timestamp_us, now_us))
    if isinstance(priced, InvalidUsage):
        return priced
    quote = priced.quote
    plan = state.plan(path, facts, timestamp_us)
    amounts = amounts_of(command.usage, quote)
    if not fits(plan, amounts):
        return past_64_bits(sent.operation_id)
    booking = Booking(
        usage=command.usage,
        quote=quote,
        path=path,
        facts=facts,
        agent_uid=agent_uid,
        timestamp_us=timestamp_us,
        charged_at_us=timestamp_us,
        scope_uid=command.scope_uid,
        warnings=warnings,
    )
    answer = book(state, booking, plan, amounts, NOTHING, now_us)
    count_in_month(state, priced, command.usage.counts, command.usage.resource)
    if command.usage.estimated_nano is not None:
        uid, expected_nano = uid_of(command.tenant, sent.operation_id), command.usage.estimated_nano
        note_deviation(state, uid, path, facts, expected_nano, quote.total_nano, quote.pricing, now_us)
    return answer


def facts_of_record(state: TenantState, command: Record, agent: Agent | None) -> Facts:
    """What limits and scoped budgets look at."""
    usage, sent = command.usage, command.usage.sent
    return {
        "user_id": sent.user_id or user_of(state, command.scope_uid, agent),
        "provider": sent.provider or (provider_of(command.quote) if usage.resource is None else None),
        "model_id": sent.model_id,
        "agent_id": sent.agent_id,
        "resource": resource_of(sent.model_id, usage.counts.total_tokens, sent.category),
        **state.tree.tag_facts(sent.tags),
    }


def user_of(state: TenantState, scope_uid: str | None, agent: Agent | None) -> str | None:
    """Whom an agent acts for; a confined key is told so only of agents at home in its subtree."""
    if agent is None or agent.user_id is None:
        return None
    if scope_uid is None:
        return agent.user_id
    at_home = agent.budget_uid is not None and state.tree.within(agent.budget_uid, scope_uid)
    return agent.user_id if at_home else None


def _repeated(state: TenantState, command: Record, known: KnownOperation) -> RecordResult:
    operation_id = command.usage.sent.operation_id
    if known.fingerprint == command.usage.fingerprint and state.tree.within(
        known.leaf_uid, command.scope_uid
    ):
        warnings = tuple(as_seen(state, command.scope_uid, each) for each in known.answer.warnings)
        return replace(known.answer, duplicate=True, warnings=warnings)
    return OperationConflict(
        operation_id,
        f"Operation {operation_id} is already recorded with other content. "
        "Use a new operationId for a new operation, or repeat the first one unchanged.",
    )


def payer(state: TenantState, command: Record, agent: Agent | None, warnings: list[Warning]) -> str:
    """The uid of the budget that pays when nobody knows better.

    The operation's own budget, else its parent operation's, else its agent's, else the API key's, else
    the tenant's ``unattributed``; each only if the key may spend there.
    """
    sent, tree, scope = command.usage.sent, state.tree, command.scope_uid
    if sent.budget_id is not None:
        asked = uid_of(command.tenant, sent.budget_id)
        if tree.within(asked, scope):
            return asked
        text = f"Budget {sent.budget_id} is not known here; the usage was charged to the next payer in line."
        warnings.append(Warning(BUDGET_UNKNOWN, text))
    return next_payer(state, sent.parent_operation_id, agent, scope)


def next_payer(
    state: TenantState, parent_operation_id: str | None, agent: Agent | None, scope: str | None
) -> str:
    """The uid of the budget that pays where none is named."""
    tree = state.tree
    if parent_operation_id is not None:
        parent = state.operation(uid_of(state.tenant, parent_operation_id))
        if parent is not None and tree.within(parent.leaf_uid, scope):
            return parent.leaf_uid
    if agent is not None and agent.budget_uid is not None and tree.within(agent.budget_uid, scope):
        return agent.budget_uid
    if scope is not None and tree.get(scope) is not None:
        return scope
    return tree.unattributed_uid


def provider_of(quote: Quote) -> str | None:
    """The provider whose price it is, for callers who name none."""
    return None if quote.price_card is None else quote.price_card.partition("/")[0]

"""Counting anew what is true: for windows that are new in mid-course, or that were cut anew.

Spend comes from the entries, reserved from the open holds, both with what the batch has decided so far.
"""

from collections.abc import Iterable, Mapping

from ledger.changes import Added, Changes, RecordedOperation
from ledger.holds import Hold, HoldState
from ledger.model import ChargePath, Limit, Meter, Window
from ledger.plan import Facts, member_of, resource_of
from ledger.reader import Reader
from ledger.windows import Span


def spent_in(
    reader: Reader,
    changes: Changes,
    paths: Mapping[str, ChargePath],
    limit: Limit,
    span: Span,
    member: str | None,
) -> int:
    """What was charged to a limit's budget in a span, by the entries and by this batch.

    ``paths`` are those that the batch charged, by uid; ``member`` is whose window it is, where each has one.
    """
    if limit.meter is Meter.LEVEL or (span.start_us is not None and span.start_us == span.end_us):
        return 0
    if limit.counts_all:
        found = [reader.spent(limit.budget_uid, span.start_us, span.end_us)]
    else:
        every = reader.spent_by_facts(limit.budget_uid, span.start_us, span.end_us)
        found = [each for each in every if fits_facts(limit, member, each.facts())]
    if limit.meter is Meter.COST:
        spent = sum(each.cost_nano for each in found)
    elif limit.meter is Meter.TOKENS:
        spent = sum(each.tokens for each in found)
    else:
        spent = sum(each.requests for each in found)
    return spent + _undecided(changes, paths, limit, span, member)


def _undecided(
    changes: Changes, paths: Mapping[str, ChargePath], limit: Limit, span: Span, member: str | None
) -> int:
    """What this batch charged so far, and the graph does not know."""
    spent = 0
    for operation in changes.operations:
        if limit.budget_uid not in paths[operation.path_uid].budget_uids:
            continue
        if span.holds(operation.charged_at_us) and fits_facts(limit, member, facts_of(operation)):
            spent += _counted(operation, limit.meter)
    for added in changes.added:
        if limit.budget_uid not in added.path.budget_uids or not span.holds(added.entry.charged_at_us):
            continue
        if fits_facts(limit, member, added.facts):
            spent += _added(added, limit.meter)
    return spent


def hold_again(
    holds: Iterable[Hold], limit: Limit, window: Window, span: Span, member: str | None
) -> list[Hold]:
    """Open holds that fall into the window are held on it from now on; those that changed.

    ``holds`` are the tenant's, as this batch left them.
    """
    window.reserved = 0
    changed: list[Hold] = []
    name = limit.meter.value.lower()
    for hold in holds:
        if hold.state is not HoldState.HELD or limit.budget_uid not in hold.path.budget_uids:
            continue
        named: tuple[str, ...] = getattr(hold.windows, name)
        fits = span.holds(hold.at_us) and fits_facts(limit, member, hold.facts())
        if fits != (window.uid in named):
            others = tuple(uid for uid in named if uid != window.uid)
            now = (*others, window.uid) if fits else others
            hold.windows = hold.windows._replace(**{name: now})
            changed.append(hold)
        if fits:
            window.reserved += hold.amount_on(limit.meter)
    return changed


def _counted(operation: RecordedOperation, meter: Meter) -> int:
    match meter:
        case Meter.COST:
            return 0 if operation.entry is None else operation.entry.total_cost_nano
        case Meter.TOKENS:
            return operation.usage.counts.total_tokens
        case Meter.REQUESTS:
            return 1
        case _:
            return 0


def _added(added: Added, meter: Meter) -> int:
    entry = added.entry
    match meter:
        case Meter.COST:
            return entry.total_cost_nano
        case Meter.TOKENS:
            return entry.prompt_tokens + entry.completion_tokens
        case Meter.REQUESTS:
            return entry.operations
        case _:
            return 0


def facts_of(operation: RecordedOperation) -> Facts:
    """What limits look at."""
    sent = operation.usage.sent
    return {
        "user_id": operation.user_id,
        "agent_id": sent.agent_id,
        "provider": operation.provider,
        "model_id": sent.model_id,
        "resource": resource_of(sent.model_id, operation.usage.counts.total_tokens, sent.category),
    }


def fits_facts(limit: Limit, member: str | None, facts: Facts) -> bool:
    """Whether a limit (its window for that member) counts usage with those facts."""
    kind = "level" if limit.meter is Meter.LEVEL else "resource"
    if limit.resource is not None and facts.get(kind) != limit.resource:
        return False
    return limit.each is None or member_of(limit.each, facts) == member

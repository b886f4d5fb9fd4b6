"""Between the ledger's nouns and the properties of their nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

import orjson

from cypher.ledger import (
    AgentRow,
    BookRow,
    BudgetInSpan,
    BudgetRow,
    HeadRow,
    OperationRow,
    SpentByFactsRow,
    WindowRow,
)
from graph.ledger.entry_rows import Properties, entry_of, present
from graph.ledger.usage_rows import COUNTED, counts_of
from ledger.changes import Event, Grown, LedgerHead, PricedLater
from ledger.limits import in_order
from ledger.model import (
    Agent,
    Budget,
    BudgetType,
    ChargePath,
    Enforcement,
    Increase,
    Limit,
    Meter,
    Pricing,
    Recurrence,
    Schedule,
    Threshold,
    Throttle,
    Window,
    WindowKind,
    uid_of,
)
from ledger.plan import resource_of
from ledger.reader import Book, KnownOperation, Spent
from ledger.results import RecordedUsage
from ledger.warnings import load_warnings
from pricing.calendar import INSTANT_MAX_US
from pricing.modes import Mode
from pricing.rates import Costs


def budget_properties(budget: Budget, version: int) -> Properties:
    """What a Budget node holds; ``version`` is the ledger's when it changed."""
    return {
        "uid": budget.uid,
        "tenant": budget.tenant,
        "budget_id": budget.budget_id,
        "parent_budget_id": budget.parent_budget_id,
        "name": budget.name,
        "amount_nano": budget.amount_nano,
        "currency": budget.currency,
        "budget_type": budget.budget_type.value,
        "resource_id": budget.resource_id,
        "period_start_us": budget.period_start_us,
        "period_end_us": budget.period_end_us,
        "recurrence": budget.recurrence.value,
        "timezone": budget.timezone,
        "rollup_timezone": budget.rollup_timezone,
        "warning_threshold_ppm": budget.warning_threshold_ppm,
        "priority": budget.priority,
        "created_at_us": budget.created_at_us,
        "closed_at_us": budget.closed_at_us,
        "schedules": orjson.dumps(
            [[each.decided_us, each.recurrence.value, each.timezone] for each in budget.schedules]
        ).decode(),
        "recut_us": budget.recut_us,
        "carry_over_cap_nano": budget.carry_over_cap_nano,
        "thresholds": orjson.dumps([list(each) for each in budget.thresholds]).decode()
        if budget.thresholds
        else None,
        "cool_down_seconds": budget.cool_down_seconds or None,
        "low_balance_nano": budget.low_balance_nano,
        "version": version,
    }


def budget_of(row: BudgetRow) -> Budget:
    """The budget of a node and its limits."""
    node = row["budget"]
    limits = in_order(limit_of(each) for each in row["limits"])
    return Budget(
        uid=node["uid"],
        tenant=node["tenant"],
        budget_id=node["budget_id"],
        parent_uid=None
        if node.get("parent_budget_id") is None
        else uid_of(node["tenant"], node["parent_budget_id"]),
        name=node.get("name"),
        amount_nano=node.get("amount_nano"),
        currency=node["currency"],
        budget_type=BudgetType(node["budget_type"]),
        resource_id=node.get("resource_id"),
        period_start_us=node.get("period_start_us"),
        period_end_us=node.get("period_end_us"),
        recurrence=Recurrence(node["recurrence"]),
        timezone=node["timezone"],
        rollup_timezone=node["rollup_timezone"],
        warning_threshold_ppm=node["warning_threshold_ppm"],
        priority=node.get("priority"),
        created_at_us=node["created_at_us"],
        closed_at_us=node.get("closed_at_us"),
        schedules=tuple(
            Schedule(decided_us, Recurrence(recurrence), timezone)
            for decided_us, recurrence, timezone in orjson.loads(node["schedules"])
        ),
        limits=limits,
        recut_us=node["recut_us"],
        carry_over_cap_nano=node.get("carry_over_cap_nano"),
        thresholds=tuple(Threshold(*each) for each in orjson.loads(node.get("thresholds") or "[]")),
        cool_down_seconds=node.get("cool_down_seconds") or 0,
        low_balance_nano=node.get("low_balance_nano"),
    )


def limit_properties(limit: Limit) -> Properties:
    """What a Limit node holds."""
    return {
        "uid": limit.uid,
        "budget_uid": limit.budget_uid,
        "key": limit.key,
        "meter": limit.meter.value,
        "window": None if limit.window is None else limit.window.value,
        "amount": limit.amount,
        "enforcement": limit.enforcement.value,
        "resource": limit.resource,
        "each": limit.each,
        "thresholds_ppm": list(limit.thresholds_ppm),
        "since_us": limit.since_us,
        "increases": orjson.dumps([list(each) for each in limit.increases]).decode()
        if limit.increases
        else None,
        "throttle": None if limit.throttle is None else list(astuple(limit.throttle)),
    }


def limit_of(node: Properties) -> Limit:
    """The limit of a node's properties."""
    return Limit(
        node["uid"],
        node["budget_uid"],
        node["key"],
        Meter(node["meter"]),
        None if node.get("window") is None else WindowKind(node["window"]),
        node.get("amount"),
        Enforcement(node["enforcement"]),
        node.get("resource"),
        node.get("each"),
        tuple(node["thresholds_ppm"]),
        node["since_us"],
        tuple(Increase(*each) for each in orjson.loads(node.get("increases") or "[]")),
        Throttle(*node["throttle"]) if node.get("throttle") else None,
    )


def window_figures(window: Window) -> Properties:
    """What changes on a Window node."""
    return {
        "start_us": window.start_us,
        "end_us": window.end_us,
        "spent": window.spent,
        "reserved": window.reserved,
        "forced": window.forced,
        "told": window.told,
        "carried": window.carried,
        "recovered": window.recovered,
    }


def window_of(row: WindowRow) -> Window:
    """The window of a node's properties."""
    return Window(
        row["uid"],
        row["limit_uid"],
        row["start_us"],
        row["end_us"],
        row["spent"],
        row["reserved"],
        row["forced"],
        list(row["told"]),
        stored=True,
        carried=row["carried"],
        recovered=list(row["recovered"]),
    )


def agent_properties(agent: Agent) -> Properties:
    """What an Agent node holds."""
    return {
        "tenant": agent.tenant,
        "agent_id": agent.agent_id,
        "name": agent.name,
        "budget_uid": agent.budget_uid,
        "user_id": agent.user_id,
        "metadata": agent.metadata,
        "created_at_us": agent.created_at_us,
    }


def agent_of(row: AgentRow) -> Agent:
    """The agent of a node's properties."""
    tenant, _, _ = row["uid"].partition("/")
    return Agent(
        row["uid"],
        tenant,
        row["agent_id"],
        row["name"],
        tuple(sorted(row["parents"])),
        row["budget_uid"],
        row["user_id"],
        row["metadata"],
        row["created_at_us"],
    )


def charged_properties(grown: Grown | PricedLater) -> Properties:
    """What changes on a TokenUsage node whose operation got a price, or costs more."""
    settled = {"awaiting_key": None} if grown.pricing is Pricing.PRICED else {}
    return settled | {
        "pricing": grown.pricing.value,
        "charged_prompt_nano": grown.charged.prompt_nano,
        "charged_completion_nano": grown.charged.completion_nano,
        "charged_other_nano": grown.charged.other_nano,
    }


def grown_properties(grown: Grown | PricedLater) -> Properties:
    """What changes on a TokenUsage node whose operation grew, or got its price."""
    if isinstance(grown, PricedLater):
        return charged_properties(grown)
    sent, counts = grown.usage.sent, grown.usage.counts
    billed = counts.billed()
    return {
        "prompt_tokens": counts.prompt_tokens,
        "completion_tokens": counts.completion_tokens,
        "total_tokens": counts.total_tokens,
        **{name: billed.get(name) for name in COUNTED},
        "outcome": sent.outcome.value,
        "usage_reported": grown.usage.usage_reported,
        "fingerprint": grown.usage.fingerprint,
        # One that says nothing leaves what is there.
        **present({"estimated_cost_nano": grown.usage.estimated_nano}),
        **({} if grown.usage.mode is Mode.STANDARD else {"mode": grown.usage.mode.value}),
        **charged_properties(grown),
    }


def operation_of(row: OperationRow) -> KnownOperation:
    """A recorded operation with the answer that was given when it was recorded."""
    node = row["usage"]
    pricing = Pricing(node["pricing"])
    answer = RecordedUsage(
        node["operation_id"],
        duplicate=False,
        pricing=pricing,
        cost_entry=None if row["entry"] is None else entry_of(row["entry"]),
        warnings=load_warnings(node.get("warnings")),
    )
    charged = None
    if node.get("charged_prompt_nano") is not None:
        charged = Costs(
            node["charged_prompt_nano"], node["charged_completion_nano"], node["charged_other_nano"]
        )
    return KnownOperation(
        node["uid"],
        node["fingerprint"],
        uid_of(node["tenant"], node["budget_id"]),
        pricing,
        answer,
        counts_of(node),
        charged,
        node.get("reservation_id"),
        node.get("estimated_cost_nano"),
        None
        if node.get("parent_operation_id") is None
        else uid_of(node["tenant"], node["parent_operation_id"]),
    )


def facts_of(node: Mapping[str, Any]) -> dict[str, str | None]:
    """What limits look at, of a TokenUsage node."""
    return {
        "user_id": node.get("user_id"),
        "agent_id": node["agent_id"],
        "provider": node.get("provider"),
        "model_id": node.get("model_id"),
        "resource": resource_of(node.get("model_id"), node["total_tokens"], node["category"]),
    }


def book_of(found: Sequence[BookRow]) -> Book | None:
    """An operation's entries, each with the path that it was charged to."""
    if not found:
        return None
    usage = found[0]["usage"]
    entries = tuple(
        (
            entry_of(row["entry"]),
            ChargePath(
                row["path_uid"] or "",
                usage["tenant"],
                tuple(row["chain"] or ()),
                tuple(row["scoped"] or ()),
            ),
        )
        for row in found
        if row["entry"] is not None
    )
    return Book(facts_of(usage), entries)


def spent_of(row: SpentByFactsRow) -> Spent:
    """Sums over the usage of one combination of facts."""
    return Spent(
        row["cost_nano"],
        row["tokens"],
        row["requests"],
        row["user_id"],
        row["agent_id"],
        row["provider"],
        row["model_id"],
        resource_of(row["model_id"], int(row["has_tokens"]), row["category"]),
    )


def event_properties(event: Event) -> Properties:
    """What an Event node holds beside its uid."""
    return {
        "tenant": event.tenant,
        "seq": event.seq,
        "type": event.type,
        "budget_uid": event.budget_uid,
        "at_us": event.at_us,
        "payload": event.payload,
    }


def head_properties(head: LedgerHead) -> HeadRow:
    """What a Ledger node holds."""
    return {
        "tenant": head.tenant,
        "seq": head.seq,
        "version": head.version,
        "last_now_us": head.last_now_us,
        "commits": head.commits,
        "awaited": head.awaited,
    }


def in_span(budget_uid: str, start_us: int | None, end_us: int | None) -> BudgetInSpan:
    """A stretch of time without ends is all of it."""
    return {
        "budget_uid": budget_uid,
        "start_us": 0 if start_us is None else start_us,
        "end_us": INSTANT_MAX_US if end_us is None else end_us,
    }

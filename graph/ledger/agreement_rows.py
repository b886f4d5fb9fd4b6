"""Between agreements, their months and statements, and the properties of their nodes."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from graph.ledger.entry_rows import Properties, present
from ledger.changes import AgreementMonth, Statement
from ledger.model import ChargePath
from pricing.agreements import AGREEMENT, Agreed
from pricing.resources import ResourceType
from pricing.steps import Semantics
from pricing.volume import (
    Adjustment,
    Commitment,
    Credit,
    LineKind,
    Measure,
    MonthSums,
    Terms,
    VolumeDiscount,
)


def agreement_uid(tenant: str, agreed: Agreed, number: int | None = None) -> str:
    """The key of an agreement's version."""
    return f"{tenant}/{agreed.agreement_id}#{agreed.number if number is None else number}"


def agreement_properties(tenant: str, agreed: Agreed, version_key: str) -> Properties:
    """What an Agreement node holds beside its uid."""
    terms = agreed.terms
    return present(
        {
            "tenant": tenant,
            "agreement_id": agreed.agreement_id,
            "number": agreed.number,
            "budget_uid": agreed.budget_uid,
            "discounts": _json(_discount(each) for each in terms.discounts),
            "commitments": _json([each.term_id, each.amount_nano] for each in terms.commitments),
            "credits": _json([each.term_id, each.amount_nano] for each in terms.credits),
            "from_month": agreed.from_month,
            "to_month": agreed.to_month,
            "timezone": agreed.timezone,
            "withdrawn": agreed.withdrawn or None,
            "author": agreed.author,
            "recorded_at_us": agreed.recorded_at_us,
            "reason": agreed.reason,
            "version_key": version_key,
        }
    )


def agreed_of(node: Mapping[str, Any]) -> Agreed:
    """The version of an agreement that a node holds."""
    terms = Terms(
        tuple(_discount_of(each) for each in orjson.loads(node["discounts"])),
        tuple(Commitment(*each) for each in orjson.loads(node["commitments"])),
        tuple(Credit(*each) for each in orjson.loads(node["credits"])),
    )
    return Agreed(
        node["agreement_id"],
        node["number"],
        node["budget_uid"],
        terms,
        node["from_month"],
        node.get("to_month"),
        node["timezone"],
        bool(node.get("withdrawn")),
        node.get("author"),
        node["recorded_at_us"],
        node.get("reason"),
    )


def month_properties(month: AgreementMonth) -> Properties:
    """What an AgreementMonth node holds beside its uid. One that is not due loses its key: null."""
    path = month.path
    return {
        "tenant": month.tenant,
        "agreement_id": month.agreement_id,
        "month": month.key,
        "end_us": month.end_us,
        "list_nano": month.sums.list_nano,
        "contracted_nano": month.sums.contracted_nano,
        "tokens": month.sums.tokens,
        "booked": _json(list(each) for each in month.booked),
        "closed": month.closed,
        "due_key": f"{month.end_us:016d}/{month.uid}" if month.due else None,
        **present({"statement_uid": month.statement_uid, "statement_entry_uid": month.statement_entry_uid}),
        **(
            {} if path is None else {"path": path.uid, "chain": list(path.chain), "scoped": list(path.scoped)}
        ),
    }


def month_of(node: Mapping[str, Any]) -> AgreementMonth:
    """The month that a node holds."""
    path = None
    if node.get("path") is not None:
        path = ChargePath(node["path"], node["tenant"], tuple(node["chain"]), tuple(node["scoped"]))
    return AgreementMonth(
        node["uid"],
        node["tenant"],
        node["agreement_id"],
        node["month"],
        node["end_us"],
        MonthSums(node["list_nano"], node["contracted_nano"], node["tokens"]),
        tuple(Adjustment(LineKind(kind), *rest) for kind, *rest in orjson.loads(node["booked"])),
        node["closed"],
        node.get("due_key") is not None,
        node.get("statement_uid"),
        node.get("statement_entry_uid"),
        path,
    )


def statement_properties(statement: Statement) -> Properties:
    """What the TokenUsage node of a statement holds beside its uid: nobody used anything."""
    entry, path = statement.entry, statement.path
    when = f"{statement.at_us:016d}/{entry.token_usage_id}"
    return {
        "tenant": entry.tenant,
        "operation_id": entry.token_usage_id,
        "agent_id": "",
        "agent_uid": f"{entry.tenant}/",
        "capability_type": AGREEMENT,
        "category": AGREEMENT,
        "outcome": "OK",
        "resource_type": ResourceType.LLM_TOKENS.value,
        "timestamp_us": statement.at_us,
        "recorded_at_us": entry.recorded_at_us,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "usage_reported": True,
        "budget_id": path.leaf_uid.partition("/")[2],
        "charge_path": path.uid,
        "pricing": "PRICED",
        "time_key": f"{entry.tenant}/{when}",
        "path_key": f"{path.uid}/{when}",
        "fingerprint": AGREEMENT,
    }


def _discount(discount: VolumeDiscount) -> list[Any]:
    tiers = [list(tier) for tier in discount.tiers]
    return [discount.term_id, tiers, discount.measure.value, discount.semantics.value]


def _discount_of(said: list[Any]) -> VolumeDiscount:
    term_id, tiers, measure, semantics = said
    edges = tuple((above, ppm) for above, ppm in tiers)
    return VolumeDiscount(term_id, edges, Measure(measure), Semantics(semantics))


def _json(values: Iterable[Any]) -> str:
    return orjson.dumps(list(values)).decode()

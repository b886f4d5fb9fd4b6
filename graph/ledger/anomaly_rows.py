"""Costs that are not what was estimated, in the properties of CostAnomaly nodes."""

from collections.abc import Mapping, Sequence
from typing import Any

from cypher import anomalies as queries
from graph.database import Transaction
from graph.ledger.entry_rows import Properties, present
from ledger.changes import Changes, Deviation
from pricing.anomaly import CostAnomaly, Severity


def write(transaction: Transaction, changes: Sequence[Changes]) -> None:
    """Write what a batch noted; of an operation that is there already the newest counts."""
    rows = [
        {"uid": each.usage_uid, "properties": anomaly_properties(each)}
        for some in changes
        for each in some.deviations
    ]
    if rows:
        transaction.run_consume(queries.WRITE, {"rows": rows})
    expected = [uid for some in changes for uid in some.expected]
    if expected:
        transaction.run_consume(queries.CLEAR, {"uids": expected})


def anomaly_properties(deviation: Deviation) -> Properties:
    """What a CostAnomaly node holds beside its uid."""
    found, tenant = deviation.anomaly, deviation.tenant
    return present(
        {
            "tenant": tenant,
            "request_id": found.request_id,
            "provider": found.provider,
            "model": found.model,
            "estimated_cost_nano": found.estimated_cost_nano,
            "actual_cost_nano": found.actual_cost_nano,
            "difference_ppm": found.difference_ppm,
            "severity": found.severity.value,
            "detected_at_us": found.detected_at_us,
            "currency": deviation.currency,
            "agent_id": deviation.agent_id,
            "budget_id": deviation.budget_id,
            "charge_path": deviation.path_uid,
            "time_key": f"{tenant}/{found.detected_at_us:016d}/{found.request_id}",
        }
    )


def deviation_of(node: Mapping[str, Any]) -> Deviation:
    """The anomaly that a node holds."""
    return Deviation(
        node["uid"],
        node["tenant"],
        node["agent_id"],
        node["budget_id"],
        node["charge_path"],
        node["currency"],
        CostAnomaly(
            node["request_id"],
            node.get("provider"),
            node.get("model"),
            node["estimated_cost_nano"],
            node["actual_cost_nano"],
            node.get("difference_ppm"),
            Severity(node["severity"]),
            node["detected_at_us"],
        ),
    )

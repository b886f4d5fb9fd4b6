"""Between the records of evolution and the properties of their nodes."""

from dataclasses import replace

import orjson

from evolution.codec import from_json, to_json
from evolution.records import Experiment
from evolution.selections import Selection
from evolution.stored import EvaluationEntry, MemberEntry, StoredExperiment, StoredSelection
from graph.ledger.entry_rows import Properties, present
from ledger.model import uid_of


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def experiment_properties(said: StoredExperiment) -> Properties:
    """What an Experiment node holds beside its uid."""
    return present(
        {
            "tenant": said.tenant,
            "experiment_id": said.experiment_id,
            "budget_uid": said.budget_uid,
            "name": said.name,
            "metadata": said.metadata,
            "currency": said.record.currency,
            "seed": said.record.seed,
            "parameters": _text(to_json(said.record)),
            "fingerprint": said.fingerprint,
            "created_at_us": said.created_at_us,
        }
    )


def frozen_text(said: StoredExperiment) -> str:
    """The references as they are frozen: JSON text."""
    return _text(said.references)


def experiment_of(node: Properties) -> StoredExperiment:
    """The experiment of a node's properties."""
    record = from_json(Experiment, orjson.loads(node["parameters"]))
    frozen = node.get("frozen")
    if frozen is not None:
        record = replace(record, **orjson.loads(frozen))
    return StoredExperiment(
        node["tenant"],
        record,
        node["budget_uid"],
        node.get("name"),
        node.get("metadata"),
        node["created_at_us"],
        frozen is not None,
        node["fingerprint"],
    )


def member_properties(entry: MemberEntry, tenant: str) -> Properties:
    """What a Member node holds beside its uid."""
    node = entry.node
    return present(
        {
            "tenant": tenant,
            "agent_id": node.agent_id,
            "generation": node.generation,
            "operator": node.operator.value,
            "parent_ids": list(node.parent_ids),
            "island": node.island,
            "fingerprint": entry.fingerprint,
        }
    )


def evaluation_properties(entry: EvaluationEntry, tenant: str) -> Properties:
    """What an Evaluation node holds beside its uid."""
    said = entry.evaluation
    return present(
        {
            "tenant": tenant,
            "evaluation_id": entry.evaluation_id,
            "agent_id": said.agent_id,
            "task_id": said.task_id,
            "role": said.role.value,
            "score": None if said.score is None else float(said.score),
            "seconds": None if said.seconds is None else float(said.seconds),
            "tokens": said.tokens,
            "cost_nano": said.cost_nano,
            "operation_uids": [uid_of(tenant, each) for each in said.operation_ids],
            "session_uid": None if entry.session_id is None else uid_of(tenant, entry.session_id),
            "scope_uid": entry.scope_uid,
            "fingerprint": entry.fingerprint,
            "log": entry.log,
        }
    )


def selection_properties(said: StoredSelection, tenant: str) -> Properties:
    """What a Selection node holds beside its uid."""
    made = said.selection
    return present(
        {
            "tenant": tenant,
            "selection_id": made.selection_id,
            "selector": made.selector,
            "seed": made.seed,
            "k": made.k,
            "generation": made.generation,
            "chosen": list(made.chosen),
            "record": _text(to_json(made)),
            "request": said.request,
            "created_at_us": said.created_at_us,
        }
    )


def selection_of(node: Properties) -> StoredSelection:
    """The selection of a node's properties."""
    return StoredSelection(
        from_json(Selection, orjson.loads(node["record"])), node["request"], node["created_at_us"]
    )

"""Experiments as they are stored: what is said of them, of who takes part, of evaluations and selections.

Digests tell a repetition from other content under the same id.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final, Self

from evolution.codec import to_json
from evolution.records import AgentNode, Evaluation, Experiment
from evolution.selections import Selection

REFERENCES: Final = ("c0_nano", "reference_seconds", "reference_tokens", "task_c0_nano")
"""The parameters that are frozen from generation 0 where nobody declared them."""


class Written(StrEnum):
    """What became of a row."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    """The id is taken by other content."""
    MISSING = "missing"
    """The agent that it is about is not there."""


def fingerprint_of(content: Mapping[str, Any]) -> str:
    """A digest of what was said; equal content gives an equal digest."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def experiment_uid(tenant: str, experiment_id: str) -> str:
    """The graph-wide key of an experiment. A budget's resource of that kind has ``tenant/experiment:id``."""
    return f"{tenant}/experiments/{experiment_id}"


@dataclass(frozen=True, slots=True)
class StoredExperiment:
    """An experiment as it is stored, on the budget that it is."""

    tenant: str
    record: Experiment
    budget_uid: str
    name: str | None = None
    metadata: str | None = None
    """JSON text."""
    created_at_us: int = 0
    frozen: bool = False
    """Whether its references stay as they are."""
    fingerprint: str = ""

    @property
    def experiment_id(self) -> str:
        """Its id, unique in the tenant."""
        return self.record.experiment_id

    @property
    def uid(self) -> str:
        """Its graph-wide key."""
        return experiment_uid(self.tenant, self.experiment_id)

    @property
    def key(self) -> str:
        """What the uids of all that is in it begin with: ids may hold slashes, a digest does not."""
        return f"{self.tenant}/{blake2b(self.uid.encode(), digest_size=16).hexdigest()}"

    def uid_within(self, identifier: str) -> str:
        """The graph-wide key of something in this experiment."""
        return f"{self.key}/{identifier}"

    def with_fingerprint(self) -> Self:
        """With the digest of what was said of it."""
        said = {
            "experiment": to_json(self.record),
            "budget": self.budget_uid,
            "name": self.name,
            "metadata": self.metadata,
        }
        return replace(self, fingerprint=fingerprint_of(said))

    @property
    def references(self) -> dict[str, Any]:
        """What is frozen, as JSON."""
        said = to_json(self.record)
        return {name: said[name] for name in REFERENCES}


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """An agent that takes part. ``name`` and ``metadata`` (JSON text) are kept with the agent itself."""

    node: AgentNode
    name: str | None = None
    metadata: str | None = None

    @property
    def fingerprint(self) -> str:
        """A digest of what was said of it."""
        return fingerprint_of({"node": to_json(self.node), "name": self.name, "metadata": self.metadata})


@dataclass(frozen=True, slots=True)
class EvaluationEntry:
    """An evaluation as it is recorded: what it cost is read from the ledger, or was imported.

    ``evaluation.cost_nano`` is an imported cost; None: the entries of ``evaluation.operation_ids``, or of all
    usage of ``session_id``, say what it cost. ``scope_uid`` is the budget of the recording key: it attaches
    nothing that the key does not see. ``log`` (JSON text) is for the runner, and no part of the content.
    """

    evaluation_id: str
    evaluation: Evaluation
    session_id: str | None = None
    scope_uid: str | None = None
    log: str | None = None

    @property
    def fingerprint(self) -> str:
        """A digest of what was said of it."""
        said = self.evaluation
        # 1 and 1.0 are one score.
        score, seconds = (None if each is None else float(each) for each in (said.score, said.seconds))
        content = to_json(replace(said, score=score, seconds=seconds))
        return fingerprint_of({"evaluation": content, "session": self.session_id})


@dataclass(frozen=True, slots=True)
class StoredSelection:
    """A selection, and a digest of what was asked for."""

    selection: Selection
    request: str
    created_at_us: int = 0

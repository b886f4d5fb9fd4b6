"""Choosing agents of an experiment, so that the choice can be made again from what is stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from evolution.analysis import Analysis
from evolution.candidates import offers_of
from evolution.errors import Conflict, InvalidInput
from evolution.selections import Selection, select
from evolution.selectors.base import Candidate
from evolution.selectors.clade import CladeThompson
from evolution.selectors.registry import selector_of
from evolution.selectors.within import WithinBudget
from evolution.stored import REFERENCES, StoredExperiment, StoredSelection, fingerprint_of

CANDIDATES_MAX: Final = 20_000
AGENTS_MAX: Final = 1_000
K_MAX: Final = 1_000
_SHOWN: Final = ("fitness", "effectiveness", "cost")
"""What is kept of every candidate; of the rest what the selector looks at."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom to choose by what. ``budget_nano`` goes with ``within_budget`` and with nothing else."""

    selector: str
    k: int
    seed: int
    parameters: Mapping[str, Any]
    budget_nano: int | None = None
    replace: bool = False
    generation: int | None = None
    agent_ids: tuple[str, ...] | None = None
    selection_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be. Raises ``InvalidInput``."""
        if not 1 <= self.k <= K_MAX:
            raise InvalidInput(f"k must be from 1 to {K_MAX}, not {self.k}", field="k")
        if self.agent_ids is not None and len(self.agent_ids) > AGENTS_MAX:
            raise InvalidInput(
                f"{len(self.agent_ids)} agent_ids; at most {AGENTS_MAX} are taken", field="agent_ids"
            )
        if (self.selector == WithinBudget.name) is (self.budget_nano is None):
            raise InvalidInput(
                f"a budget goes with the selector {WithinBudget.name}, and with no other", field="budget"
            )

    @property
    def request(self) -> str:
        """A digest of what was asked for."""
        return fingerprint_of(
            {
                "selector": self.selector,
                "k": self.k,
                "seed": self.seed,
                "parameters": dict(self.parameters),
                "budget_nano": self.budget_nano,
                "replace": self.replace,
                "generation": self.generation,
                "agent_ids": None if self.agent_ids is None else list(self.agent_ids),
            }
        )


def repeated(stored: StoredSelection, wish: Wish) -> StoredSelection:
    """The selection that is there, for an equal wish. Raises ``Conflict``."""
    if stored.request != wish.request:
        raise Conflict(f"selection {wish.selection_id!r} exists with other content", field="selection_id")
    return stored


def frozen_by(analysis: Analysis, experiment: StoredExperiment) -> StoredExperiment:
    """The experiment with the references that the analysis found."""
    found = {name: getattr(analysis.experiment, name) for name in REFERENCES}
    return replace(experiment, record=replace(experiment.record, **found))


def chosen(analysis: Analysis, experiment_id: str, wish: Wish) -> Selection:
    """Choose. Without an id of its own a selection is named by its content. Raises ``EvolutionError``."""
    parameters = dict(wish.parameters)
    candidates: Callable[[], list[Candidate]] = lambda: analysis.candidates  # noqa: E731 - read when needed
    if wish.selector == WithinBudget.name:
        ahead, quantile = parameters.pop("ahead", 1), parameters.pop("quantile", None)
        candidates = _to_come(analysis, ahead, quantile)
        parameters["budget_nano"] = wish.budget_nano
    if wish.selector == CladeThompson.name and "c0" not in parameters:
        parameters["c0"] = _reference(analysis)
    selector = selector_of(wish.selector, parameters)
    kept = {*_SHOWN, *selector.needs}
    rows = [_only(each, kept) for each in _among(candidates(), wish.agent_ids)]
    if len(rows) > CANDIDATES_MAX:
        raise InvalidInput(
            f"{len(rows)} candidates; at most {CANDIDATES_MAX} are taken: say agent_ids", field="agent_ids"
        )
    made = select(
        selector,
        rows,
        wish.k,
        wish.seed,
        replace=wish.replace,
        experiment_id=experiment_id,
        generation=wish.generation,
    )
    return replace(made, selection_id=wish.selection_id or _name(made, wish))


def _to_come(analysis: Analysis, ahead: object, quantile: object) -> Callable[[], list[Candidate]]:
    if not isinstance(ahead, int) or not (quantile is None or isinstance(quantile, int | float)):
        raise InvalidInput("ahead must be a whole number, quantile a number", field="parameters")
    _reference(analysis)

    def candidates() -> list[Candidate]:
        effectiveness = {name: each.dimensions.effectiveness for name, each in analysis.fitness().items()}
        return [
            Candidate(
                each.agent_id,
                each.value,
                effectiveness[each.agent_id],
                None if each.cost_nano is None else float(each.cost_nano),
            )
            for each in offers_of(analysis.evaluations, analysis.experiment, ahead, quantile=quantile)
        ]

    return candidates


def _reference(analysis: Analysis) -> float:
    if not analysis.comparable:
        raise InvalidInput(
            "no founder has a known cost: declare a reference_price when you create the experiment",
            field="reference_price",
        )
    return float(cast("int", analysis.experiment.c0_nano))


def _among(rows: list[Candidate], agent_ids: tuple[str, ...] | None) -> list[Candidate]:
    if agent_ids is None:
        return rows
    wanted = set(agent_ids)
    found = [each for each in rows if each.agent_id in wanted]
    if missing := sorted(wanted - {each.agent_id for each in found}):
        raise InvalidInput(f"Agent {missing[0]} is no candidate in this experiment.", field="agent_ids")
    return found


def _only(row: Candidate, kept: set[str]) -> Candidate:
    return Candidate(row.agent_id, **{name: getattr(row, name) for name in sorted(kept)})


def _name(made: Selection, wish: Wish) -> str:
    said = [
        [getattr(each, name) for name in ("agent_id", *_SHOWN, "cases", "successes", "failures", "spent")]
        for each in made.candidates
    ]
    return fingerprint_of({"request": wish.request, "candidates": said})

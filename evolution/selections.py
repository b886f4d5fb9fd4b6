"""A selection as it is stored: with its seed, parameters and candidates it can be made again, exactly."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evolution.checks import check_nano
from evolution.errors import Conflict
from evolution.selectors.base import Candidate, Selector, parameters_of, picked, pool_of
from evolution.selectors.registry import selector_of


@dataclass(frozen=True, slots=True)
class Selection:
    """Who was chosen by what from whom. ``candidates`` hold the scores that the selector saw, by id."""

    selection_id: str
    experiment_id: str
    selector: str
    parameters: Mapping[str, Any]
    seed: int
    k: int
    replace: bool
    candidates: tuple[Candidate, ...]
    chosen: tuple[str, ...]
    excluded: Mapping[str, str] = field(default_factory=dict[str, str])
    """Who could not be considered, and why (``UNKNOWN_COST`` and the like)."""
    generation: int | None = None


def select(
    selector: Selector,
    candidates: Iterable[Candidate],
    k: int,
    seed: int,
    *,
    replace: bool = False,
    selection_id: str = "",
    experiment_id: str = "",
    generation: int | None = None,
) -> Selection:
    """Choose k and keep the record. The same seed and candidates, in any order, choose the same.

    Raises ``InvalidInput`` for NaN, infinity, ids that come twice, an impossible k or seed.
    """
    check_nano(seed, "seed")
    rows = tuple(sorted(candidates, key=lambda each: each.agent_id))
    pool = pool_of(rows, selector.needs)
    chosen = picked(selector, pool, k, np.random.default_rng(seed), replace=replace)
    return Selection(
        selection_id,
        experiment_id,
        selector.name,
        parameters_of(selector),
        seed,
        k,
        replace,
        rows,
        tuple(pool.ids[i] for i in chosen),
        pool.excluded,
        generation,
    )


def replay(selection: Selection) -> Selection:
    """Make a stored selection again. Raises ``Conflict`` where it does not come out the same."""
    again = select(
        selector_of(selection.selector, selection.parameters),
        selection.candidates,
        selection.k,
        selection.seed,
        replace=selection.replace,
        selection_id=selection.selection_id,
        experiment_id=selection.experiment_id,
        generation=selection.generation,
    )
    if (again.chosen, dict(again.excluded)) != (selection.chosen, dict(selection.excluded)):
        raise Conflict(
            f"selection {selection.selection_id!r} cannot be reproduced from what is stored", field="chosen"
        )
    return again

"""The interface of all selectors, and the door that every candidate passes.

A selector gets a ``Pool``: candidates sorted by id, checked, as read-only columns. So no result depends on
the order of the input, ties fall to the smaller id, and nothing of the caller's is changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Final, Protocol, cast

import numpy as np

from evolution.arrays import Floats, finite
from evolution.checks import check_id
from evolution.errors import InvalidInput

Rng = np.random.Generator
PICKS_MAX: Final = 1_000_000
WORDS: Final = {
    "fitness": "UNKNOWN_FITNESS",
    "effectiveness": "UNKNOWN_EFFECTIVENESS",
    "cost": "UNKNOWN_COST",
    "cases": "UNKNOWN_CASE",
    "successes": "UNKNOWN_CLADE",
    "failures": "UNKNOWN_CLADE",
    "spent": "UNKNOWN_COST",
}
"""Why a candidate is left out, by the column that it lacks."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What selectors may look at; each says which of it it ``needs``. None is unknown.

    ``fitness`` is to be maximised. ``cost`` is money per evaluation or per task, in nano-units. ``cases`` are
    scores task by task, in one order for all. ``successes``, ``failures`` and ``spent`` are those of a clade.
    """

    agent_id: str
    fitness: float | None = None
    effectiveness: float | None = None
    cost: float | None = None
    cases: tuple[float, ...] | None = None
    successes: float | None = None
    failures: float | None = None
    spent: float | None = None


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates that have what is needed, by id; and who is left out, and why."""

    ids: tuple[str, ...]
    columns: Mapping[str, Floats]
    excluded: Mapping[str, str] = field(default_factory=dict[str, str])

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> Floats:
        """A column, read-only."""
        return self.columns[name]


def pool_of(candidates: Iterable[Candidate], needs: Sequence[str]) -> Pool:
    """Check and sort. Who lacks something needed is excluded with the reason, never taken for 0.

    Raises ``InvalidInput`` for NaN, infinity, two candidates of one id, and cases of different lengths.
    """
    rows = sorted(candidates, key=lambda each: each.agent_id)
    for before, after in pairwise(rows):
        if before.agent_id == after.agent_id:
            raise InvalidInput(f"candidate {after.agent_id!r} comes twice", field="candidates")
    kept: list[Candidate] = []
    excluded: dict[str, str] = {}
    for row in rows:
        check_id(row.agent_id, "agent_id")
        lacking = next((name for name in needs if getattr(row, name) is None), None)
        if lacking is None:
            kept.append(row)
        else:
            excluded[row.agent_id] = WORDS[lacking]
    if "cases" in needs and len({len(row.cases or ()) for row in kept}) > 1:
        raise InvalidInput("every candidate needs the same number of cases", field="cases")
    columns: dict[str, Floats] = {}
    for name in needs:
        column = finite([getattr(row, name) for row in kept], name)
        column.flags.writeable = False
        columns[name] = column
    return Pool(tuple(row.agent_id for row in kept), columns, excluded)


class Selector(Protocol):
    """Parameters are the fields of a frozen dataclass; the choice is a function of pool, k and generator."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    """The columns of ``Candidate`` that it looks at; who lacks one is left out."""

    def pick(self, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
        """Rows of the pool, in the order of choice. The pool is not empty; without ``replace``, k ≤ its size.

        Fewer than k only where the selector is a filter (a frontier, a grid) that passes fewer.
        """
        ...


def parameters_of(selector: Selector) -> dict[str, Any]:
    """The parameters as plain JSON."""
    said: dict[str, Any] = asdict(selector)  # pyright: ignore[reportArgumentType] - every selector is one
    return {
        name: list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else value
        for name, value in said.items()
    }


def choose(
    selector: Selector, candidates: Iterable[Candidate], k: int, rng: Rng, *, replace: bool = False
) -> list[str]:
    """The chosen ids. Without ``replace`` nobody is chosen twice, and there may be fewer than k."""
    pool = pool_of(candidates, selector.needs)
    return [pool.ids[i] for i in picked(selector, pool, k, rng, replace=replace)]


def picked(selector: Selector, pool: Pool, k: int, rng: Rng, *, replace: bool) -> list[int]:
    """The chosen rows of a pool. Raises ``InvalidInput`` for an impossible k."""
    if not 0 <= k <= PICKS_MAX:
        raise InvalidInput(f"k ({k}) must be 0 to {PICKS_MAX}", field="k")
    if not len(pool) or not k:
        return []
    return selector.pick(pool, k if replace else min(k, len(pool)), rng, replace=replace)


def best_first(fitness: Floats) -> list[int]:
    """Rows by falling fitness, ties by id."""
    return np.argsort(-fitness, kind="stable").tolist()


def draw(weights: Floats, k: int, rng: Rng, *, replace: bool) -> list[int]:
    """K rows with probability in proportion to weights; all zero is uniform.

    Without ``replace`` one after the other, each from what is left.
    """
    size = len(weights)
    largest = float(weights.max())
    # Scaled, so that huge fitness does not overflow its own sum.
    share = weights / largest if largest > 0 else np.ones(size)
    if replace:
        return rng.choice(size, size=k, p=share / share.sum()).tolist()
    left = share.copy()
    open_rows = np.ones(size, dtype=np.bool_)
    rows: list[int] = []
    for _ in range(k):
        now = left if left.sum() > 0 else open_rows.astype(np.float64)
        row = int(rng.choice(size, p=now / now.sum()))
        rows.append(row)
        left[row], open_rows[row] = 0.0, False
    return rows

"""What a Rollup node or a day's Cells hold, against what entries add up to."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from insight.encoding import decode_table, from_rows, to_rows
from insight.facts import Facts, concatenate
from insight.fold import StoredRollup
from insight.rollups import MEASURES, Dimension
from pricing.money import format_nano


class Difference(NamedTuple):
    """A figure that should be another one; ``what`` names it."""

    what: str
    expected: str
    actual: str


def rollup_difference(expected: StoredRollup | None, actual: StoredRollup | None) -> Difference | None:
    """The first figure in which a node differs from what its entries add up to (None: there are none)."""
    mine, theirs = ({} if node is None else dict(_figures(node)) for node in (expected, actual))
    for what in {**mine, **theirs}:
        left, right = mine.get(what), theirs.get(what)
        if left != right:
            return _difference(what, left, right)
    return None


def cells_difference(expected: Sequence[Facts], actual: Sequence[Facts]) -> Difference | None:
    """The first measure in which some cells of a day differ from what the entries add up to."""
    parts = [_beside(part, left=True) for part in expected] + [_beside(part, left=False) for part in actual]
    if not parts:
        return None
    both = concatenate(parts).by_quarter().measures
    mine, theirs = both[: len(MEASURES)], both[len(MEASURES) :]
    wrong = mine != theirs
    if not wrong.any():
        return None
    index = int(np.flatnonzero(wrong.any(axis=1))[0])
    first = int(np.flatnonzero(wrong[index])[0])
    name = MEASURES[index]
    return Difference(
        f"{name} ({np.count_nonzero(wrong.any(axis=0))} cells differ)",
        _shown(name, int(mine[index, first])),
        _shown(name, int(theirs[index, first])),
    )


def _beside(facts: Facts, *, left: bool) -> Facts:
    """The facts with twice the measures, one half of them zero."""
    nothing = np.zeros_like(facts.measures)
    halves = (facts.measures, nothing) if left else (nothing, facts.measures)
    return Facts(facts.at_us, facts.columns, np.concatenate(halves))


def _figures(node: StoredRollup) -> Iterator[tuple[str, list[int]]]:
    yield "total", node.total
    yield "own", node.own
    row = to_rows(np.array([node.total], dtype=np.int64).T)
    for dimension in Dimension:
        labels, rows = decode_table(node.tables.get(dimension.column), row)
        for label, figures in zip(labels, from_rows(rows).T.tolist(), strict=True):
            yield f"{dimension.column} {label}".rstrip(), figures


def _difference(what: str, expected: list[int] | None, actual: list[int] | None) -> Difference:
    nothing = [0] * len(MEASURES)
    pairs = zip(MEASURES, expected or nothing, actual or nothing, strict=True)
    for name, left, right in pairs:
        if left != right:
            return Difference(f"{what} {name}", _shown(name, left), _shown(name, right))
    return Difference(what, *("absent" if each is None else "present" for each in (expected, actual)))


def _shown(measure: str, value: int) -> str:
    return format_nano(value) if measure.endswith("_nano") else str(value)

"""Non-dominated sorting, crowding and hypervolume, on points whose columns are all to be minimised.

Fronts by Kung's staircase for two columns (n log n), by ENS (Zhang et al. 2015) otherwise; crowding as in
NSGA-II (Deb et al. 2002), divided by the number of columns as DEAP and pymoo do.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from evolution.arrays import Floats, Ints, points_of
from evolution.errors import InvalidInput


def front_ranks(points: Sequence[Sequence[float]] | Floats) -> Ints:
    """The front of each point, 0 the best. Equal points share a front. Raises ``InvalidInput`` for NaN."""
    rows = points_of(points)
    if not len(rows):
        return np.zeros(0, dtype=np.int64)
    unique, inverse = np.unique(rows, axis=0, return_inverse=True)
    # Sorted by columns from the left: nobody is dominated by somebody later.
    ranks = _staircase(unique[:, 1].tolist()) if rows.shape[1] == 2 else _by_search(unique)  # noqa: PLR2004
    return np.array(ranks, dtype=np.int64)[inverse.reshape(-1)]


def _staircase(ys: list[float]) -> list[int]:
    """With the first column sorted, a front dominates whoever is not below its lowest point so far."""
    lowest: list[float] = []
    ranks: list[int] = []
    for y in ys:
        rank = bisect_right(lowest, y)
        if rank == len(lowest):
            lowest.append(y)
        else:
            lowest[rank] = y
        ranks.append(rank)
    return ranks


def _by_search(rows: Floats) -> list[int]:
    """The first front in which nobody dominates the point: before it, somebody does in each."""
    fronts: list[Floats] = []
    sizes: list[int] = []
    ranks: list[int] = []
    for row in rows:
        low, high = 0, len(fronts)
        while low < high:
            middle = (low + high) // 2
            if (fronts[middle][: sizes[middle]] <= row).all(axis=1).any():
                low = middle + 1
            else:
                high = middle
        if low == len(fronts):
            fronts.append(np.empty((8, rows.shape[1])))
            sizes.append(0)
        elif sizes[low] == len(fronts[low]):
            fronts[low] = np.concatenate((fronts[low], np.empty_like(fronts[low])))
        fronts[low][sizes[low]] = row
        sizes[low] += 1
        ranks.append(low)
    return ranks


def fronts(points: Sequence[Sequence[float]] | Floats) -> list[list[int]]:
    """Row numbers front by front, the best first."""
    ranks = front_ranks(points)
    return [np.flatnonzero(ranks == rank).tolist() for rank in range(int(ranks.max(initial=-1)) + 1)]


def crowding(points: Sequence[Sequence[float]] | Floats) -> Floats:
    """How lonely each point of one front is; the ends of each column are infinitely so."""
    rows = points_of(points)
    size, columns = rows.shape
    distance = np.zeros(size)
    for column in rows.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        span = ordered[-1] - ordered[0] if size else 0.0
        if span > 0:
            distance[order[1:-1]] += (ordered[2:] - ordered[:-2]) / span / columns
        distance[order[:1]] = distance[order[-1:]] = np.inf
    return distance


def hypervolume(points: Sequence[Sequence[float]] | Floats, reference: Sequence[float]) -> float:
    """The volume that the points dominate, up to the reference point."""
    rows = points_of(points)
    corner = np.array(reference, dtype=np.float64)
    if corner.shape != rows.shape[1:] or not np.isfinite(corner).all():
        raise InvalidInput("the reference needs a finite number per column", field="reference")
    return _volume(rows[(rows < corner).all(axis=1)], corner)


def _volume(rows: Floats, corner: Floats) -> float:
    """By slices of the last column."""
    if not len(rows):
        return 0.0
    if rows.shape[1] == 1:
        return float(corner[0] - rows.min())
    if rows.shape[1] == 2:  # noqa: PLR2004 - the staircase
        ordered = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
        lowest = np.minimum.accumulate(ordered[:, 1])
        widths = np.diff(np.append(ordered[:, 0], corner[0]))
        return float((widths * (corner[1] - lowest)).sum())
    ordered = rows[np.argsort(rows[:, -1], kind="stable")]
    heights = np.diff(np.append(ordered[:, -1], corner[-1]))
    return float(
        sum(
            height * _volume(ordered[: i + 1, :-1], corner[:-1])
            for i, height in enumerate(heights.tolist())
            if height > 0
        )
    )

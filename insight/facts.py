"""Facts: what entries add, in columns. From the stream they have instants, from the graph quarter hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from insight import grouping
from insight.grouping import Ints
from insight.rollups import MEASURES, USAGE_DIMENSIONS
from pricing.calendar import MINUTE_US

QUARTER_US: Final = 15 * MINUTE_US
"""Offsets from UTC are whole quarter hours since 2000: nearly every bucket of any zone is made of these."""

LABELS: Final = ("path", *(each.column for each in USAGE_DIMENSIONS))
"""The label columns: the charge path's uid, then the facts of the usage ("" where there is none)."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One text per row, as a code into ``labels``. Labels may repeat."""

    labels: Sequence[str]
    codes: Ints

    @classmethod
    def of(cls, values: Sequence[str]) -> "Column":
        """Encode texts."""
        known: dict[str, int] = {}
        codes = [known.setdefault(value, len(known)) for value in values]
        return cls(list(known), np.array(codes, dtype=np.int64))

    @property
    def key(self) -> tuple[Ints, int]:
        """What ``grouping.pack`` takes; labels must not repeat."""
        return self.codes, len(self.labels)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Column":
        """The same labels for some of the rows."""
        return Column(self.labels, self.codes[rows])

    def texts(self) -> list[str]:
        """The text of every row."""
        codes: list[int] = self.codes.tolist()
        return [self.labels[code] for code in codes]

    def relabel(self, labels: Sequence[str]) -> "Column":
        """Other labels for the same codes; they may repeat."""
        return Column(labels, self.codes)

    def compact(self) -> "Column":
        """Only labels that occur, each once."""
        known: dict[str, int] = {}
        used = np.zeros(len(self.labels), dtype=bool)
        used[self.codes] = True
        mapping = np.zeros(len(self.labels), dtype=np.int64)
        for code in np.flatnonzero(used).tolist():
            mapping[code] = known.setdefault(self.labels[code], len(known))
        return Column(list(known), mapping[self.codes])


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Rows: an instant (or the beginning of its quarter hour), labels by name, measures by row.

    ``measures`` has the shape ``(len(MEASURES), rows)``. ``columns`` holds what was asked for.
    """

    at_us: Ints
    columns: Mapping[str, Column]
    measures: Ints

    def __len__(self) -> int:
        return len(self.at_us)

    @classmethod
    def of(
        cls, at_us: Sequence[int], labels: Mapping[str, Sequence[str]], measures: Sequence[Sequence[int]]
    ) -> "Facts":
        """From lists: instants, texts by column name, measures in the order of ``MEASURES``."""
        return cls(
            np.array(at_us, dtype=np.int64),
            {name: Column.of(values) for name, values in labels.items()},
            np.array(measures, dtype=np.int64).reshape(len(MEASURES), len(at_us)),
        )

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Facts":
        """Some of the rows."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        return Facts(self.at_us[rows], columns, self.measures[:, rows])

    def by_quarter(self) -> "Facts":
        """The same with instants cut down to their quarter hours, and rows that are then equal added up."""
        at_us = self.at_us // QUARTER_US * QUARTER_US
        first = int(at_us.min()) if len(at_us) else 0
        slots = (at_us - first) // QUARTER_US
        room = int(slots.max()) + 1 if len(slots) else 1
        columns = {name: column.compact() for name, column in self.columns.items()}
        groups, example = grouping.group([(slots, room), *(each.key for each in columns.values())])
        return Facts(
            at_us[example],
            {name: column.take(example) for name, column in columns.items()},
            grouping.sums(self.measures, groups, len(example)),
        )


def concatenate(parts: Sequence[Facts]) -> Facts:
    """All rows of some facts with the same columns."""
    if len(parts) == 1:
        return parts[0]
    return Facts(
        np.concatenate([part.at_us for part in parts]),
        {name: _joined([part.columns[name] for part in parts]) for name in parts[0].columns},
        np.concatenate([part.measures for part in parts], axis=1),
    )


def _joined(columns: Sequence[Column]) -> Column:
    known: dict[str, int] = {}
    parts: list[Ints] = []
    for column in columns:
        mapping = [known.setdefault(label, len(known)) for label in column.labels]
        parts.append(np.array(mapping, dtype=np.int64)[column.codes])
    return Column(list(known), np.concatenate(parts))

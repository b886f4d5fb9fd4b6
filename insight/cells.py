"""Cells: facts by quarter hour, every combination of labels, one segment of a UTC day per node.

A fold adds a segment to each day that it touches, and absorbs segments that are not much larger, so that a
day has few of them and a row is rewritten only about log(rows) times, however small the folds are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from insight.encoding import decode_column, decode_integers, encode_column, encode_integers
from insight.facts import LABELS, QUARTER_US, Facts, concatenate
from insight.rollups import MEASURES
from pricing.calendar import DAY_US

COLUMNS: Final = ("slot", *LABELS, *MEASURES)
"""The properties of a Cells node that hold a column each."""

ALL_DAYS: Final = (0, 99_999)
"""First and last UTC day that anything can be on, for ``span_of``."""

SEGMENT_ROWS_MAX: Final = 65_536
_ABSORB: Final = 2


class Segment(NamedTuple):
    """What is known of a Cells node without reading its columns."""

    uid: str
    day: int
    rows: int


def segment_uid(tenant: str, day: int, through_seq: int) -> str:
    """The key of the segment that the fold up to ``through_seq`` adds to a UTC day."""
    return f"{tenant}/{day:06d}/{through_seq:016d}"


def span_of(tenant: str, first_day: int, last_day: int) -> tuple[str, str]:
    """The keys [begin, end) of all segments of some UTC days."""
    return f"{tenant}/{first_day:06d}/", f"{tenant}/{last_day + 1:06d}/"


def by_day(facts: Facts) -> Iterator[tuple[int, Facts]]:
    """The facts of each UTC day, by quarter hour."""
    days = facts.at_us // DAY_US
    for day in np.unique(days).tolist():
        yield day, facts.take(days == day).by_quarter()


def absorbed(segments: Sequence[Segment], rows: int) -> list[Segment]:
    """The segments of a day that a new one of ``rows`` rows takes in, smallest first."""
    taken: list[Segment] = []
    for segment in sorted(segments, key=lambda each: each.rows):
        if segment.rows > _ABSORB * rows or rows + segment.rows > SEGMENT_ROWS_MAX:
            break
        taken.append(segment)
        rows += segment.rows
    return taken


def merge(parts: Sequence[Facts]) -> Facts:
    """Several segments as one."""
    return parts[0] if len(parts) == 1 else concatenate(parts).by_quarter()


def encode(day: int, facts: Facts) -> dict[str, bytes]:
    """The columns of a segment, by name. There is at least one row."""
    columns = {name: encode_column(facts.columns[name]) for name in LABELS}
    measures = zip(MEASURES, facts.measures, strict=True)
    return (
        {"slot": encode_integers((facts.at_us - day * DAY_US) // QUARTER_US)}
        | columns
        | {name: encode_integers(values) for name, values in measures}
    )


def decode(day: int, rows: int, columns: Mapping[str, bytes]) -> Facts:
    """The facts of some columns of a segment: ``slot``, all measures, and any labels."""
    slots, _ = decode_integers(columns["slot"], rows)
    measures = np.empty((len(MEASURES), rows), dtype=np.int64)
    for name, values in zip(MEASURES, measures, strict=True):
        values[:] = decode_integers(columns[name], rows)[0]
    labels = {name: decode_column(data, rows) for name, data in columns.items() if name in LABELS}
    return Facts(slots * QUARTER_US + day * DAY_US, labels, measures)

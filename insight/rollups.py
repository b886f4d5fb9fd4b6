"""The nouns of rollups: dimensions, granularities, measures, the question and its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from insight.errors import SumOutOfRange
from pricing.calendar import Unit

MEASURES: Final = (
    "operations",
    "prompt_tokens",
    "completion_tokens",
    "prompt_cost_nano",
    "completion_cost_nano",
    "other_cost_nano",
    "units_nano",
)
"""What is stored, in this order everywhere; total tokens and total cost are sums of these."""

COSTS: Final = slice(3, 6)
"""Those of ``MEASURES`` that add up to the total cost."""

INT_MAX: Final = 2**63 - 1


class Dimension(StrEnum):
    """What rows are split by. The value of an operation is None where it has none.

    BUDGET is the child on the operation's charge path (None: charged to the budget itself); PROJECT,
    TASK and TEAM are the resource id, else the budget id, of the nearest budget of that type on the path.
    """

    BUDGET = "BUDGET"
    PROJECT = "PROJECT"
    TASK = "TASK"
    TEAM = "TEAM"
    AGENT = "AGENT"
    MODEL = "MODEL"
    PROVIDER = "PROVIDER"
    CAPABILITY = "CAPABILITY"
    USER = "USER"
    CATEGORY = "CATEGORY"
    OUTCOME = "OUTCOME"
    RESOURCE_TYPE = "RESOURCE_TYPE"

    @property
    def column(self) -> str:
        """Its name in facts and on nodes."""
        return self.value.lower()


PATH_DIMENSIONS: Final = (Dimension.BUDGET, Dimension.PROJECT, Dimension.TASK, Dimension.TEAM)
"""Dimensions that follow from who paid; their labels are budget uids. The others are facts of the usage."""

USAGE_DIMENSIONS: Final = tuple(each for each in Dimension if each not in PATH_DIMENSIONS)


class Granularity(StrEnum):
    """How time is cut: calendar units in a time zone, or not at all."""

    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"
    TOTAL = "TOTAL"

    @property
    def unit(self) -> Unit | None:
        """The calendar unit; None for TOTAL."""
        return None if self is Granularity.TOTAL else Unit(self.value)


class Measures(NamedTuple):
    """Sums over operations. ``*_cost_nano`` are in the tree's currency, ``units_nano`` count a quantity."""

    operations: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_cost_nano: int = 0
    completion_cost_nano: int = 0
    other_cost_nano: int = 0
    total_cost_nano: int = 0
    units_nano: int = 0

    @classmethod
    def of(cls, stored: Sequence[int]) -> "Measures":
        """From values in the order of ``MEASURES``. Raises ``SumOutOfRange``."""
        operations, prompt, completion, prompt_nano, completion_nano, other_nano, units_nano = stored
        tokens = prompt + completion
        cost_nano = prompt_nano + completion_nano + other_nano
        # A stored value at the very edge stands for a sum that went past it.
        if max(map(abs, (*stored, tokens, cost_nano))) >= INT_MAX:
            raise SumOutOfRange("A sum of this rollup is past what 64 bits hold; ask for a shorter range.")
        return cls(
            operations,
            prompt,
            completion,
            tokens,
            prompt_nano,
            completion_nano,
            other_nano,
            cost_nano,
            units_nano,
        )


@dataclass(frozen=True, slots=True)
class RollupQuery:
    """What was charged to a budget in [from_us, to_us), split by dimensions and time.

    An end that is None is open. With a granularity other than TOTAL both ends fall on edges of its buckets
    in ``timezone`` (None: the budget's own); with TOTAL any instant will do. ``include_descendants=False``
    keeps rows to what was charged to the budget directly. ``scope_uid`` is the budget of the caller's key:
    projects, tasks and teams outside of its subtree are shown as None.
    """

    budget_uid: str
    by: tuple[Dimension, ...] = ()
    granularity: Granularity = Granularity.TOTAL
    from_us: int | None = None
    to_us: int | None = None
    timezone: str | None = None
    include_descendants: bool = True
    scope_uid: str | None = None


class RollupRow(NamedTuple):
    """One row: its values in the order of ``RollupQuery.by``, its bucket (None for TOTAL), its sums."""

    keys: tuple[tuple[Dimension, str | None], ...]
    start_us: int | None
    end_us: int | None
    measures: Measures


@dataclass(frozen=True, slots=True)
class RollupResult:
    """The answer. ``total`` is all that reached the budget, ``own`` what was charged to it directly.

    Rows come by time ascending, then by total cost descending, then by keys; what nothing was charged in
    is left out. There are none where nothing is split: no dimension and granularity TOTAL.
    ``as_of_us`` is the time of the last commit that is in it, exactly.
    """

    total: Measures
    own: Measures
    rows: tuple[RollupRow, ...]
    as_of_us: int

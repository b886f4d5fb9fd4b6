"""The errors of the evolution room.

::

    EvolutionError          code
    ├── InvalidInput        INVALID               bad input; names the field
    │   ├── Infeasible      INVALID               no selection can satisfy what is asked
    │   └── BadArchive      INVALID               a file that cannot be read; names lines and fields
    ├── Conflict            CONFLICT              one id, two contents
    ├── CycleFound          CYCLE                 an agent would be its own ancestor; names the members
    ├── UnknownAgent        NOT_FOUND
    ├── SumOutOfRange       AMOUNT_OUT_OF_RANGE   a sum past 64 bits of nano-units
    ├── CapReached          BUDGET_EXCEEDED       the ledger refused the money for an evaluation
    ├── NotInstalled        UNAVAILABLE           an optional package is missing; says how to install it
    └── LedgerFailed        UNAVAILABLE           the ledger gave no answer in time (retryable)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class EvolutionError(Exception):
    """Base of the room. ``code`` goes to the client, ``field`` names the input at fault if one is."""

    code: ClassVar[str] = "INVALID"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(EvolutionError):
    """Input that can never succeed as it stands."""


class Infeasible(InvalidInput):
    """What is mandatory does not fit into what is allowed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line of an archive (or one of its files): the field, if one is at fault."""

    place: str
    field: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.field is None else f"{self.place}, {self.message}"


class BadArchive(InvalidInput):
    """Nothing of the archive is used. ``problems`` are the first of ``count`` bad lines."""

    def __init__(self, problems: Sequence[Problem], count: int) -> None:
        more = f"\n… and {count - len(problems):,} more" if count > len(problems) else ""
        super().__init__("\n".join(map(str, problems)) + more, field=problems[0].field)
        self.problems = tuple(problems)
        self.count = count


class Conflict(EvolutionError):
    """The id is taken by other content."""

    code: ClassVar[str] = "CONFLICT"


class CycleFound(EvolutionError):
    """A lineage is acyclic. ``members`` are the agents on one cycle, in order."""

    code: ClassVar[str] = "CYCLE"

    def __init__(self, members: Sequence[str]) -> None:
        shown = " → ".join([*members[:8], *(["…"] if len(members) > 8 else []), members[0]])  # noqa: PLR2004
        super().__init__(f"An agent cannot be its own ancestor: {shown}", field="parent_ids")
        self.members = tuple(members)


class UnknownAgent(EvolutionError):
    """No such agent in this lineage."""

    code: ClassVar[str] = "NOT_FOUND"


class SumOutOfRange(EvolutionError):
    """A sum of money or tokens does not fit into 64 bits."""

    code: ClassVar[str] = "AMOUNT_OUT_OF_RANGE"


class CapReached(EvolutionError):
    """The budget does not pay for this evaluation: it was not started, and nothing is held for it."""

    code: ClassVar[str] = "BUDGET_EXCEEDED"


class NotInstalled(EvolutionError):
    """An optional package is needed for this."""

    code: ClassVar[str] = "UNAVAILABLE"


class LedgerFailed(EvolutionError):
    """The ledger did not answer, however often it was asked. What is paid is in the log: run again."""

    code: ClassVar[str] = "UNAVAILABLE"
    retryable: ClassVar[bool] = True

"""The errors of the evolution room.

::

    EvolutionError          code
    ├── InvalidInput        INVALID               bad input; names the field
    │   └── Infeasible      INVALID               no selection can satisfy what is asked
    ├── Conflict            CONFLICT              one id, two contents
    ├── CycleFound          CYCLE                 an agent would be its own ancestor; names the members
    ├── UnknownAgent        NOT_FOUND
    ├── SumOutOfRange       AMOUNT_OUT_OF_RANGE   a sum past 64 bits of nano-units
    └── LedgerFailed        UNAVAILABLE           the ledger gave no answer in time (retryable)
"""

from collections.abc import Sequence
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


class LedgerFailed(EvolutionError):
    """The ledger did not answer, however often it was asked. What is paid is in the log: run again."""

    code: ClassVar[str] = "UNAVAILABLE"
    retryable: ClassVar[bool] = True

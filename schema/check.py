"""The ledger's own check of its books."""

from collections.abc import Sequence
from typing import Self

import strawberry

from ledger import check
from schema.words import optional_id


@strawberry.type(description="Something in the books that does not agree with the entries.")
class LedgerFinding:
    """Something that does not agree."""

    invariant: str
    budget_id: strawberry.ID | None
    expected: str
    actual: str

    @classmethod
    def of(cls, row: check.Finding) -> Self:
        """From the ledger's."""
        return cls(
            invariant=row.invariant,
            budget_id=optional_id(row.budget_id),
            expected=row.expected,
            actual=row.actual,
        )


@strawberry.type(description="The books against their entries.")
class LedgerCheck:
    """The books against their entries."""

    ok: bool
    findings: list[LedgerFinding]

    @classmethod
    def of(cls, rows: Sequence[check.Finding]) -> Self:
        """From what the check found."""
        return cls(ok=not rows, findings=[LedgerFinding.of(row) for row in rows])

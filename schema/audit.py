"""Acts of administration."""

from typing import Any, Final, Self

import orjson
import strawberry

from ledger import changes
from ledger.model import id_of
from ledger.view import View
from schema.page import PageInfo
from schema.scalars import JSON, DateTime
from schema.words import optional_id


@strawberry.type(
    description="An act of administration. `before` and `after` are in the ledger's words: amounts as "
    "text, money in nano-units (`_nano`); instants in microseconds (`_us`); no field without a value."
)
class AuditEntry:
    """An act of administration."""

    at: DateTime
    author: strawberry.ID | None = strawberry.field(
        description="The id of the key that did it; null where nobody said, or where the reader is confined."
    )
    action: str = strawberry.field(description="Such as budget.update or api_key.revoke.")
    subject: strawberry.ID = strawberry.field(description="The id of what was acted on.")
    budget_id: strawberry.ID | None = strawberry.field(
        description="The budget that it concerns; null: the whole tenant."
    )
    before: JSON | None = strawberry.field(description="Null where it came to be.")
    after: JSON | None

    @classmethod
    def of(cls, row: changes.AuditEntry, view: View, reader: str) -> Self:
        """From the ledger's, as a key sees it: one that is confined knows no keys and budgets of others."""
        author = row.author if view.scope_uid is None or row.author == reader else None
        return cls(
            at=DateTime(row.at_us),
            author=optional_id(author),
            action=row.action,
            subject=strawberry.ID(row.subject),
            budget_id=None if row.budget_uid is None else strawberry.ID(id_of(row.budget_uid)),
            before=_told(row.before, view),
            after=_told(row.after, view),
        )


@strawberry.type(description="A page of acts, the newest first.")
class AuditConnection:
    """A page of acts."""

    nodes: list[AuditEntry]
    page_info: PageInfo


_BUDGETS: Final = ("parent_uid", "budget_uid", "scope_uid")
_KEYS: Final = ("author", "revoked_by")


def _told(text: str | None, view: View) -> JSON | None:
    if text is None:
        return None
    told: dict[str, Any] = orjson.loads(text)
    if view.scope_uid is not None:
        hidden = {name for name in _BUDGETS if name in told and not view.sees(told[name])} | {*_KEYS}
        told = {name: value for name, value in told.items() if name not in hidden}
    return JSON(told)

"""Answers from raw usage over a span of time: what of it may be archived, and so not in the answer."""

import strawberry

from ledger.access import Permission
from schema.access import guarded
from schema.context import Info
from schema.scalars import DateTime


@strawberry.type
class FromRawUsage:
    """An answer that reads raw usage from an instant on; None: it does not depend on when usage happened."""

    raw_from_us: strawberry.Private[int | None]

    @guarded(
        Permission.READ,
        description="Usage that happened before this instant may be archived: such is not in the answer. "
        "Null where the span begins later, or nothing is ever archived.",
    )
    async def archived_until(self, info: Info) -> DateTime | None:
        """Until when usage may be missing."""
        if self.raw_from_us is None:
            return None
        until_us = await info.context.archived_until()
        return None if until_us is None or until_us <= self.raw_from_us else DateTime(until_us)

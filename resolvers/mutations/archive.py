"""Archiving raw usage, a file at a time."""

from typing import Final

import strawberry

from ledger.access import Permission
from ledger.archive import check_days, check_whole
from ledger.errors import InvalidInput
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.archive import ArchivedPage, ArchiveUsageInput
from schema.page import PageInfo

LOOKED_MAX: Final = 10_000
"""Operations that one call looks at."""


@strawberry.type
class ArchiveMutations:
    """What can be archived."""

    @guarded(
        Permission.ADMINISTER,
        description="Take raw usage out of the graph into a file. Entries, rollups, windows and operation "
        "ids stay: what was charged is charged, a repetition is a duplicate, and an operation may still grow "
        "or be adjusted.",
    )
    async def archive_usage(self, info: Info, input: ArchiveUsageInput) -> ArchivedPage:
        """What became of a stretch of old usage."""
        context = info.context
        principal = context.principal
        check_whole(principal.scope_uid)
        if not 1 <= input.first <= LOOKED_MAX:
            raise InvalidInput(f"first must be from 1 to {LOOKED_MAX}, not {input.first}", field="first")
        archiver = context.services.archiver
        horizon_us = archiver.horizon_us(check_days(input.older_than_days))
        place = cursors.after_of(cursors.USAGE_BY_TIME, input.after)
        after = "" if place is None else f"{principal.tenant}/{place}"
        context.renew()
        step = await context.outside(
            lambda: archiver.step(
                principal.tenant,
                horizon_us,
                after,
                input.first,
                author=principal.key_id,
                dry_run=input.dry_run,
            )
        )
        context.renew()
        end = None
        if step.after:
            end = cursors.cursor_of(cursors.USAGE_BY_TIME, step.after[len(principal.tenant) + 1 :])
        return ArchivedPage.of(
            step,
            horizon_us,
            PageInfo(has_next_page=step.after is not None, end_cursor=end),
            dry_run=input.dry_run,
        )

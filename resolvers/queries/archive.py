"""Archives of raw usage: the whole organisation's. A confined key sees rows of its own subtree only."""

import strawberry

from ledger.access import Permission
from ledger.archive import check_whole
from ledger.model import uid_of
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.archive import Archive, ArchiveConnection, ArchivedOperation
from schema.page import PageInfo
from schema.scalars import JSON
from schema.words import check_first


@strawberry.type
class ArchiveQueries:
    """What can be asked of archives."""

    @guarded(Permission.OPERATE, description="The files that raw usage was archived in.")
    async def archives(self, info: Info, first: int = 50, after: str | None = None) -> ArchiveConnection:
        """A page of archives."""
        context, first = info.context, check_first(first)
        check_whole(context.principal.scope_uid)
        before_id = cursors.after_of(cursors.ARCHIVES, after)
        tenant = context.principal.tenant
        rows = await context.read(context.services.archives.page, tenant, before_id, first + 1)
        shown = rows[:first]
        context.admit(len(shown))
        end = cursors.cursor_of(cursors.ARCHIVES, shown[-1].file.archive_id) if shown else None
        return ArchiveConnection(
            nodes=[Archive.of(each) for each in shown],
            page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=end),
        )

    @guarded(
        Permission.OPERATE,
        description="Files in the folder of archives that no archive names: left by runs that were killed. "
        "Everything in them is in the graph, or in another file.",
    )
    async def archive_orphans(self, info: Info) -> list[str]:
        """Files that no archive names."""
        context = info.context
        check_whole(context.principal.scope_uid)
        reader, tenant = context.services.archive_files, context.principal.tenant
        return list(await context.outside(lambda: reader.orphans(tenant)))

    @guarded(
        Permission.OPERATE,
        description="An archived operation, read from its file, whose hash is checked; null where it is not "
        "archived, or where the key sees none.",
    )
    async def archived_operation(self, info: Info, operation_id: strawberry.ID) -> ArchivedOperation | None:
        """An archived operation."""
        context = info.context
        view, uid = await context.load_view(), uid_of(context.principal.tenant, operation_id)
        row = await context.read(context.services.usage.get, uid)
        if row is None or row["archived"] is None or not view.sees(uid_of(row["tenant"], row["budget_id"])):
            return None
        reader = context.services.archive_files
        found = await context.outside(lambda: reader.row(uid))
        if found is None:
            return None
        archive = None if view.scope_uid is not None else Archive.of(found[0])
        return ArchivedOperation(archive=archive, content=JSON(found[1]))

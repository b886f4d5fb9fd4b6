"""Archives of raw usage."""

from typing import Self

import strawberry

from ledger.access import Permission
from ledger.archive import Step, StoredArchive
from schema.access import guarded
from schema.context import Info
from schema.enums import ArchiveState, KeptReason
from schema.page import PageInfo
from schema.scalars import JSON, BigInt, DateTime
from schema.words import optional_instant


@strawberry.type(
    description="A file of raw usage that was taken out of the graph: gzip of JSON lines, one per operation."
)
class Archive:
    """A file of raw usage."""

    row: strawberry.Private[StoredArchive]
    archive_id: strawberry.ID
    file: str = strawberry.field(description="Its path in the server's folder of archives.")
    sha256: str
    size_bytes: BigInt
    rows: BigInt = strawberry.field(description="How many operations the file holds.")
    operations: BigInt = strawberry.field(
        description="How many of them are archived by it; what was charged anew meanwhile is in a later file."
    )
    from_: DateTime = strawberry.field(name="from", description="When the first of them happened.")
    until: DateTime = strawberry.field(description="When the last one did.")
    created_at: DateTime

    @classmethod
    def of(cls, row: StoredArchive) -> Self:
        """From the ledger's."""
        return cls(
            row=row,
            archive_id=strawberry.ID(row.file.archive_id),
            file=row.file.file,
            sha256=row.file.sha256,
            size_bytes=BigInt(row.file.size_bytes),
            rows=BigInt(row.file.rows),
            operations=BigInt(row.operations),
            from_=DateTime(row.file.from_us),
            until=DateTime(row.file.until_us),
            created_at=DateTime(row.created_at_us),
        )

    @guarded(Permission.OPERATE, description="Whether the file is what was archived. Reads all of it.")
    async def state(self, info: Info) -> ArchiveState:
        """Whether the file is what was archived."""
        return await info.context.archive_state(self.row)


@strawberry.type(description="A page of archives, those of the latest usage first.")
class ArchiveConnection:
    """A page of archives."""

    nodes: list[Archive]
    page_info: PageInfo


@strawberry.type(description="An archived operation, read from its file.")
class ArchivedOperation:
    """An archived operation."""

    archive: Archive | None = strawberry.field(description="Null for a key that is confined to a budget.")
    content: JSON = strawberry.field(
        description="Everything that the graph knew of it, in the words of the export; entries that came "
        "later are in the graph."
    )


@strawberry.input(
    description="The oldest raw usage first, a file at a time: pass endCursor as after until there is no "
    "next page. Stopped half-way, start again at will: nothing is archived twice."
)
class ArchiveUsageInput:
    """What to archive."""

    older_than_days: int = strawberry.field(description="At least 35; whole days (UTC).")
    dry_run: bool = strawberry.field(
        default=True, description="Say what would be archived, and change nothing."
    )
    first: int = strawberry.field(
        default=10_000, description="How many operations to look at; at most 10,000."
    )
    after: str | None


@strawberry.type(description="How many operations stay in the graph, and why.")
class KeptCount:
    """How many operations stay."""

    reason: KeptReason
    operations: BigInt


@strawberry.type(description="What became of a stretch of old usage.")
class ArchivedPage:
    """What became of a stretch of old usage."""

    dry_run: bool
    older_than: DateTime = strawberry.field(description="All of it happened before this instant.")
    looked: BigInt
    operations: BigInt = strawberry.field(description="How many were archived, or would be.")
    kept: list[KeptCount]
    archive: Archive | None = strawberry.field(description="Null in a dry run, and where nothing was.")
    through: DateTime | None = strawberry.field(description="When the last of them happened.")
    page_info: PageInfo

    @classmethod
    def of(cls, step: Step, older_than_us: int, page_info: PageInfo, *, dry_run: bool) -> Self:
        """From what the archiver says."""
        return cls(
            dry_run=dry_run,
            older_than=DateTime(older_than_us),
            looked=BigInt(step.looked),
            operations=BigInt(step.archived),
            kept=[
                KeptCount(reason=reason, operations=BigInt(count))
                for reason, count in sorted(step.kept.items())
                if count
            ],
            archive=None if step.archive is None else Archive.of(step.archive),
            through=optional_instant(step.through_us),
            page_info=page_info,
        )

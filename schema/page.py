"""Pages: every list that can grow has ``first``, ``after`` and a ``pageInfo``."""

import strawberry


@strawberry.type(description="Where a page ends.")
class PageInfo:
    """Where a page ends."""

    has_next_page: bool
    end_cursor: str | None = strawberry.field(
        description="Pass it as `after` for the next page; null where the page is empty."
    )

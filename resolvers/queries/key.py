"""API keys."""

import strawberry

from graph.keys import ApiKey as KeyRow
from ledger.access import Permission
from ledger.view import View
from resolvers import cursors
from resolvers.info import Info
from resolvers.tenants import tenant_for
from schema.access import guarded
from schema.key import ApiKey, ApiKeyConnection
from schema.page import PageInfo
from schema.words import FIRST_MAX, check_first


def administers(view: View, key: KeyRow) -> bool:
    """Whether the caller administers that key: all of its tenant, or those confined to its own subtree."""
    return view.scope_uid is None or view.sees(key.budget_uid)


async def page_of_keys(info: Info, tenant: str, after_id: str | None, first: int) -> list[KeyRow]:
    """The next keys of a tenant that the caller administers, by id."""
    view, keys = await info.context.load_view(), info.context.services.keys
    found: list[KeyRow] = []
    while len(found) < first:
        rows = await info.context.read(keys.page, tenant, after_id, FIRST_MAX)
        found.extend(row for row in rows if administers(view, row))
        if len(rows) < FIRST_MAX:
            break
        after_id = rows[-1].key_id
    return found[:first]


@strawberry.type
class KeyQueries:
    """What can be asked of API keys."""

    @guarded(
        Permission.ADMINISTER,
        description="The API keys that the caller administers. "
        "Only the deployment's own key may name another tenant.",
    )
    async def api_keys(
        self, info: Info, first: int = 50, after: str | None = None, tenant: str | None = None
    ) -> ApiKeyConnection:
        """A page of keys."""
        owner = tenant_for(info.context.principal, tenant)
        after_id = cursors.after_of(cursors.KEYS, after)
        rows = await page_of_keys(info, owner, after_id, check_first(first) + 1)
        nodes = rows[:first]
        end = cursors.cursor_of(cursors.KEYS, nodes[-1].key_id) if nodes else None
        return ApiKeyConnection(
            nodes=[ApiKey.of(row) for row in nodes],
            page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=end),
        )

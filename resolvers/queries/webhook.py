"""Webhook endpoints and dead letters."""

import strawberry

from ledger.access import Permission
from ledger.delivery import ENDPOINTS_MAX, Endpoint
from ledger.errors import NotFound
from ledger.view import View
from resolvers import cursors
from resolvers.info import Info
from schema.access import guarded
from schema.page import PageInfo
from schema.webhook import DeadLetter, DeadLetterConnection, WebhookEndpoint, WebhookEndpointConnection
from schema.words import check_first


def manages(view: View, endpoint: Endpoint) -> bool:
    """Whether the caller manages an endpoint: all of its tenant, or those confined to its own subtree."""
    return view.scope_uid is None or view.sees(endpoint.budget_uid)


async def endpoint_for(info: Info, endpoint_id: str) -> Endpoint:
    """An endpoint that the caller manages. Raises ``NotFound``."""
    context = info.context
    view = await context.load_view()
    row = await context.read(context.services.webhooks.get, context.principal.tenant, endpoint_id)
    if row is None or not manages(view, row):
        raise NotFound(f"There is no webhook endpoint {endpoint_id}.", field="endpoint_id")
    return row


@strawberry.type
class WebhookQueries:
    """What can be asked of webhooks."""

    @guarded(Permission.OPERATE, description="The webhook endpoints that the caller manages, by id.")
    async def webhook_endpoints(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> WebhookEndpointConnection:
        """A page of endpoints."""
        context, first = info.context, check_first(first)
        after_id = cursors.after_of(cursors.WEBHOOKS, after)
        view, tenant = await context.load_view(), context.principal.tenant
        rows = await context.read(context.services.webhooks.page, tenant, after_id, ENDPOINTS_MAX)
        seen = [row for row in rows if manages(view, row)]
        nodes = seen[:first]
        end = cursors.cursor_of(cursors.WEBHOOKS, nodes[-1].endpoint_id) if nodes else None
        return WebhookEndpointConnection(
            nodes=[WebhookEndpoint.of(row) for row in nodes],
            page_info=PageInfo(has_next_page=len(seen) > first, end_cursor=end),
        )

    @guarded(Permission.OPERATE, description="What an endpoint did not take, the last ones first.")
    async def webhook_dead_letters(
        self, info: Info, endpoint_id: strawberry.ID, first: int = 50, after: str | None = None
    ) -> DeadLetterConnection:
        """A page of dead letters."""
        context, first = info.context, check_first(first)
        endpoint = await endpoint_for(info, endpoint_id)
        place = cursors.after_of(cursors.DEAD_LETTERS, after)
        before_seq = None if place is None else int(place)
        rows = await context.read(context.services.webhooks.letters, endpoint, before_seq, first + 1)
        nodes = rows[:first]
        end = cursors.cursor_of(cursors.DEAD_LETTERS, f"{nodes[-1].seq:016d}") if nodes else None
        return DeadLetterConnection(
            nodes=DeadLetter.each(nodes),
            page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=end),
        )

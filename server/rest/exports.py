"""``GET /v1/exports/usage | /rollups``: tables of any length, at constant memory.

The first page is read before the answer begins, so what cannot be answered is a problem like everywhere.
Later a failure can only break the connection: the body then lacks its proper end, which HTTP clients notice.
A client that goes away, and a key that is revoked, end the work within a page.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from graph.usage import UsageQuery
from insight.rollups import Dimension, Granularity, RollupQuery
from ledger.access import Permission, Principal
from ledger.errors import NotFound
from ledger.model import Pricing, uid_of
from resolvers.context import Context
from server.exports.rollups import columns_of, rollup_rows
from server.exports.tables import Column, Format, Row, head_of, rows_of
from server.exports.usage import COLUMNS, usage_rows
from server.rest.queries import Asked
from server.rest.words import instant
from server.routes import GuardedRoute, Routes

USAGE_PARAMETERS: Final = (
    "format",
    "from",
    "to",
    "budget_id",
    "agent_id",
    "session_id",
    "user_id",
    "model_id",
    "pricing",
)
ROLLUP_PARAMETERS: Final = (
    "format",
    "from",
    "to",
    "budget_id",
    "by",
    "granularity",
    "timezone",
    "include_descendants",
)

ARCHIVED_UNTIL: Final = "costgraph-archived-until"
"""The header of an export that lacks what may be archived: usage that happened before that instant."""

logger = structlog.get_logger("costgraph.exports")


def export_routes(routes: Routes, context_of: Callable[[Principal], Context]) -> Sequence[GuardedRoute]:
    """The two routes."""

    async def usage(request: Request, principal: Principal) -> Response:
        """Recorded usage that the key sees, newest first."""
        asked, context = Asked(request, USAGE_PARAMETERS), context_of(principal)
        query = await _usage_query(context, asked)
        headers = await _archived_until(context, query)
        return await stream(request, "usage", asked, COLUMNS, usage_rows(context, query), headers)

    async def rollups(request: Request, principal: Principal) -> Response:
        """What was charged to a budget, split as asked."""
        asked, context = Asked(request, ROLLUP_PARAMETERS), context_of(principal)
        query = await _rollup_query(context, asked)
        pages = rollup_rows(context, query)
        return await stream(request, "rollups", asked, columns_of(query.by), pages, {})

    async def stream(
        request: Request,
        name: str,
        asked: Asked,
        columns: Sequence[Column],
        pages: AsyncIterator[list[Row]],
        more: Mapping[str, str],
    ) -> Response:
        form = asked.one_of("format", Format, Format.CSV) or Format.CSV
        nothing: list[Row] = []
        first = await anext(pages, nothing)

        async def body() -> AsyncIterator[bytes]:
            try:
                yield head_of(columns, form) + rows_of(columns, first, form)
                async for page in pages:
                    await routes.admitted(request, Permission.READ)
                    yield rows_of(columns, page, form)
            except Exception as error:
                logger.warning("export_broke", export=name, error=str(error))
                raise

        headers = {"content-disposition": f'attachment; filename="{name}.{form.value}"', **more}
        if request.method == "HEAD":
            return Response(headers=headers, media_type=form.media_type)
        return StreamingResponse(body(), headers=headers, media_type=form.media_type)

    return [
        routes.guarded("GET", "/v1/exports/usage", usage, needs=Permission.READ),
        routes.guarded("GET", "/v1/exports/rollups", rollups, needs=Permission.READ),
    ]


async def _usage_query(context: Context, asked: Asked) -> UsageQuery:
    """Which usage. Raises ``LedgerError``, ``PricingError``."""
    view, tenant = await context.load_view(), context.principal.tenant
    budget_id, agent_id = asked.text("budget_id"), asked.text("agent_id")
    if budget_id is not None and view.find(budget_id) is None:
        raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
    pricing = asked.one_of("pricing", Pricing, None)
    return UsageQuery(
        tenant=tenant,
        budget_uid=view.scope_uid if budget_id is None else uid_of(tenant, budget_id),
        agent_uid=None if agent_id is None else uid_of(tenant, agent_id),
        session_id=asked.text("session_id"),
        pricing=None if pricing is None else pricing.value,
        model_id=asked.text("model_id"),
        user_id=asked.text("user_id"),
        from_us=asked.instant_us("from"),
        to_us=asked.instant_us("to"),
    )


async def _archived_until(context: Context, query: UsageQuery) -> dict[str, str]:
    """A header that says until when usage may be missing, where some of the span may be archived."""
    until_us = await context.archived_until()
    if until_us is None or until_us <= (query.from_us or 0):
        return {}
    return {ARCHIVED_UNTIL: instant(until_us) or ""}


async def _rollup_query(context: Context, asked: Asked) -> RollupQuery:
    """Which rollup. Raises ``LedgerError``, ``PricingError``."""
    budget_id = asked.needed("budget_id")
    budget = (await context.load_view()).find(budget_id)
    if budget is None:
        raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
    return RollupQuery(
        budget.uid,
        by=asked.all_of("by", Dimension),
        granularity=asked.one_of("granularity", Granularity, Granularity.TOTAL) or Granularity.TOTAL,
        from_us=asked.instant_us("from"),
        to_us=asked.instant_us("to"),
        timezone=asked.text("timezone"),
        include_descendants=asked.flag("include_descendants", default=True),
        scope_uid=context.principal.scope_uid,
    )

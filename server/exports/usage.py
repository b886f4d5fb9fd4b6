"""Recorded usage as a table: one row per cost entry, and one per operation that was recorded without a price.

These are the rows of the tenant's stream (docs/graph.md), up to the number of its sequence that was committed
when the export began: what comes meanwhile is left out, so the rows add up to what the rollups said at that
moment, however long the export takes. What is archived is not in it; an export beside the first archiving
breaks off rather than lack rows. It goes down the usage's own index by page, newest first.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

from cypher.usage import UsageRow
from graph.usage import UsagePages, UsageQuery
from ledger.errors import Unavailable
from ledger.model import CostEntry
from resolvers.context import Context
from server.exports.tables import Column, Kind, Row
from server.rest.words import instant

PAGE: Final = 500
"""Usages that are in memory at once."""

COLUMNS: Final = (
    Column("seq", Kind.COUNT),
    Column("kind"),
    Column("operation_id"),
    Column("timestamp"),
    Column("charged_at"),
    Column("recorded_at"),
    Column("budget_id"),
    Column("agent_id"),
    Column("user_id"),
    Column("session_id"),
    Column("parent_operation_id"),
    Column("capability_type"),
    Column("category"),
    Column("outcome"),
    Column("provider"),
    Column("model_id"),
    Column("mode"),
    Column("region"),
    Column("resource_type"),
    Column("quantity", Kind.MONEY),
    Column("unit"),
    Column("operations", Kind.COUNT),
    Column("prompt_tokens", Kind.COUNT),
    Column("completion_tokens", Kind.COUNT),
    Column("prompt_cost", Kind.MONEY),
    Column("completion_cost", Kind.MONEY),
    Column("other_cost", Kind.MONEY),
    Column("total_cost", Kind.MONEY),
    Column("currency"),
    Column("list_cost", Kind.MONEY),
    Column("price_source"),
    Column("price_date"),
    Column("catalogue_version"),
    Column("tags", Kind.JSON),
)
"""A quantity has nine decimals like money."""

UNPRICED: Final = "unpriced"
"""The kind of a row that is no cost entry: recorded and counted; its price, if it got one, is another row."""

_NAMES: Final = frozenset(column.name for column in COLUMNS)


async def usage_rows(context: Context, query: UsageQuery) -> AsyncIterator[list[Row]]:
    """What a query finds, in pages."""
    pages, query = context.services.usage, replace(query, first=PAGE)
    archived_until = await context.archived_until()
    head = await context.read(context.services.trees.settled, query.tenant)
    through = 0 if head is None else head["seq"]
    while True:
        page, rows = await context.read(_page, pages, query, through)
        if page is None and await context.archived_until() != archived_until:
            raise Unavailable("Usage was archived while it was exported: export it again.")
        yield rows
        if page is None:
            return
        query = replace(query, after=page)


def _page(pages: UsagePages, query: UsageQuery, through: int) -> tuple[str | None, list[Row]]:
    """Where to go on (None at the end), and a page's rows."""
    page = pages.page(query)
    entries = pages.entries([row["uid"] for row in page.rows]) if page.rows else {}
    rows = [each for row in page.rows for each in _rows(row, entries.get(row["uid"], ()), through)]
    return page.end if page.has_next else None, rows


def _rows(usage: UsageRow, entries: Sequence[CostEntry], through: int) -> list[Row]:
    """A usage's part of the stream up to ``through``."""
    facts = {name: value for name, value in usage.items() if name in _NAMES} | {
        "timestamp": instant(usage["timestamp_us"]),
        "quantity": usage["quantity_nano"],
    }
    rows: list[Row] = [facts | _of_entry(entry) for entry in entries if entry.seq <= through]
    seq = usage["unpriced_seq"]
    if seq is not None and seq <= through:
        rows.insert(0, facts | _without_price(usage, seq))
    return rows


def _of_entry(entry: CostEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "kind": entry.kind.value,
        "charged_at": instant(entry.charged_at_us),
        "recorded_at": instant(entry.recorded_at_us),
        "operations": entry.operations,
        "prompt_tokens": entry.prompt_tokens,
        "completion_tokens": entry.completion_tokens,
        "prompt_cost": entry.prompt_cost_nano,
        "completion_cost": entry.completion_cost_nano,
        "other_cost": entry.other_cost_nano,
        "total_cost": entry.total_cost_nano,
        "currency": entry.currency,
        "list_cost": entry.list_cost_nano,
        "price_source": entry.price_source,
        "price_date": entry.price_date,
        "catalogue_version": entry.catalogue_version,
    }


def _without_price(usage: UsageRow, seq: int) -> dict[str, Any]:
    return {
        **_NO_ENTRY,
        "seq": seq,
        "kind": UNPRICED,
        "recorded_at": instant(usage["recorded_at_us"]),
        "operations": 1,
        "prompt_tokens": usage["first_prompt_tokens"],
        "completion_tokens": usage["first_completion_tokens"],
    }


_NO_ENTRY: Final = dict.fromkeys(_NAMES - frozenset(UsageRow.__annotations__) - {"timestamp", "quantity"})

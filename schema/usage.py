"""Recorded usage and what it incurred."""

from collections.abc import Sequence
from typing import Self

import orjson
import strawberry

from cypher.usage import UsageRow
from ledger import model
from ledger.access import Permission
from schema.access import guarded
from schema.agent import Agent
from schema.budget import Budget
from schema.context import Info
from schema.delegation import Delegation
from schema.enums import EntryKind, Outcome, Pricing, ProcessingMode
from schema.explanation import Explanation
from schema.page import PageInfo
from schema.raw import FromRawUsage
from schema.scalars import JSON, BigInt, DateTime, Decimal, InstantText
from schema.words import money, optional_id, optional_money


@strawberry.type(
    description="What a usage incurred. Append-only; the total is the sum of the three components."
)
class CostEntry:
    """What a usage incurred."""

    row: strawberry.Private[model.CostEntry]
    kind: EntryKind
    prompt_cost: Decimal
    completion_cost: Decimal
    other_cost: Decimal
    total_cost: Decimal
    currency: str
    charged_at: DateTime = strawberry.field(description="The instant whose windows it was charged to.")
    recorded_at: DateTime
    price_source: str | None
    price_card: str | None
    price_date: str | None
    catalogue_version: str | None
    catalogue_hash: str | None
    list_cost: Decimal | None = strawberry.field(
        description="What it costs at list prices, where a contract or an override changed them."
    )
    billed_cost: Decimal = strawberry.field(
        description="What an invoice says of it: a commitment is billed once, as a whole."
    )
    fx_from: str | None = strawberry.field(description="The currency of the price, where it was converted.")
    fx_rate: str | None = strawberry.field(description="How much of the entry's currency one of that was.")
    fx_date: str | None
    fx_source: str | None
    adjusts: int | None = strawberry.field(
        description="Which of the usage's entries an adjustment is about, counted from 1."
    )
    reason: str | None = strawberry.field(description="Why it was adjusted, in the words of whoever did it.")

    @classmethod
    def of(cls, row: model.CostEntry, adjusts: int | None = None) -> Self:
        """From the ledger's."""
        return cls(
            row=row,
            kind=row.kind,
            prompt_cost=money(row.prompt_cost_nano),
            completion_cost=money(row.completion_cost_nano),
            other_cost=money(row.other_cost_nano),
            total_cost=money(row.total_cost_nano),
            currency=row.currency,
            charged_at=DateTime(row.charged_at_us),
            recorded_at=DateTime(row.recorded_at_us),
            price_source=row.price_source,
            price_card=row.price_card,
            price_date=row.price_date,
            catalogue_version=row.catalogue_version,
            catalogue_hash=row.catalogue_hash,
            list_cost=optional_money(row.list_cost_nano),
            billed_cost=money(row.total_cost_nano if row.billed_cost_nano is None else row.billed_cost_nano),
            fx_from=row.fx_from,
            fx_rate=row.fx_rate,
            fx_date=row.fx_date,
            fx_source=row.fx_source,
            adjusts=adjusts,
            reason=row.reason,
        )

    @guarded(Permission.READ, description="Why it costs what it does, by the prices as they were known.")
    async def explanation(self, info: Info) -> Explanation:
        """Its derivation."""
        return Explanation.of(await info.context.derivation(self.row))

    @classmethod
    def each(cls, rows: Sequence[model.CostEntry]) -> list[Self]:
        """All that a usage incurred, in the order of writing."""
        numbers = {row.uid: number for number, row in enumerate(rows, 1)}
        return [cls.of(row, None if row.adjusts is None else numbers.get(row.adjusts)) for row in rows]


def count(value: int | None) -> BigInt:
    """A count; what is absent is 0."""
    return BigInt(value or 0)


@strawberry.type(
    description="One billed operation. Prompt, completion and total tokens include what stands beside them."
)
class TokenUsage:
    """One billed operation."""

    row: strawberry.Private[UsageRow]
    operation_id: strawberry.ID
    agent_id: strawberry.ID
    budget_id: strawberry.ID = strawberry.field(description="The budget that was charged directly.")
    capability_type: str
    model_id: str | None
    provider: str | None
    timestamp: DateTime = strawberry.field(description="When it happened.")
    recorded_at: DateTime
    prompt_tokens: BigInt
    completion_tokens: BigInt
    total_tokens: BigInt
    cache_read_tokens: BigInt
    cache_write_tokens: BigInt
    cache_write_1h_tokens: BigInt
    reasoning_tokens: BigInt
    audio_input_tokens: BigInt
    audio_output_tokens: BigInt
    audio_cache_read_tokens: BigInt
    image_input_tokens: BigInt
    image_output_tokens: BigInt
    video_input_tokens: BigInt
    video_output_tokens: BigInt
    web_searches: BigInt
    pages: BigInt
    milliseconds: BigInt = strawberry.field(description="Of audio or video, where time is billed.")
    characters: BigInt
    requests: BigInt = strawberry.field(description="Requests that it stands for; 0 is the one that it is.")
    unit: str | None = strawberry.field(description="Of what was used, where it is not tokens.")
    quantity: Decimal | None
    mode: ProcessingMode = strawberry.field(description="How the provider processed it.")
    usage_reported: bool = strawberry.field(description="False where nobody knows what the operation used.")
    user_id: strawberry.ID | None
    session_id: strawberry.ID | None
    region: str | None
    category: str
    outcome: Outcome
    tags: JSON | None
    parent_operation_id: strawberry.ID | None
    resource_type: str = strawberry.field(description="LLMTokens, SandboxCPU, DataTransfer …")
    pricing: Pricing
    unpriced_reason: str | None
    archived: bool = strawberry.field(
        description="Whether tags and region are in an archive, and no list of usage has it any more."
    )

    @classmethod
    def of(cls, row: UsageRow) -> Self:
        """From the graph's."""
        return cls(
            row=row,
            operation_id=strawberry.ID(row["operation_id"]),
            agent_id=strawberry.ID(row["agent_id"]),
            budget_id=strawberry.ID(row["budget_id"]),
            capability_type=row["capability_type"],
            model_id=row["model_id"],
            provider=row["provider"],
            timestamp=DateTime(row["timestamp_us"]),
            recorded_at=DateTime(row["recorded_at_us"]),
            prompt_tokens=count(row["prompt_tokens"]),
            completion_tokens=count(row["completion_tokens"]),
            total_tokens=count(row["total_tokens"]),
            cache_read_tokens=count(row["cache_read_tokens"]),
            cache_write_tokens=count(row["cache_write_tokens"]),
            cache_write_1h_tokens=count(row["cache_write_1h_tokens"]),
            reasoning_tokens=count(row["reasoning_tokens"]),
            audio_input_tokens=count(row["audio_input_tokens"]),
            audio_output_tokens=count(row["audio_output_tokens"]),
            audio_cache_read_tokens=count(row["audio_cache_read_tokens"]),
            image_input_tokens=count(row["image_input_tokens"]),
            image_output_tokens=count(row["image_output_tokens"]),
            video_input_tokens=count(row["video_input_tokens"]),
            video_output_tokens=count(row["video_output_tokens"]),
            web_searches=count(row["web_searches"]),
            pages=count(row["pages"]),
            milliseconds=count(row["milliseconds"]),
            characters=count(row["characters"]),
            requests=count(row["requests"]),
            unit=row["unit"],
            quantity=optional_money(row["quantity_nano"]),
            mode=ProcessingMode.of(row["mode"]),
            usage_reported=row["usage_reported"],
            user_id=optional_id(row["user_id"]),
            session_id=optional_id(row["session_id"]),
            region=row["region"],
            category=row["category"],
            outcome=Outcome(row["outcome"]),
            tags=None if row["tags"] is None else JSON(orjson.loads(row["tags"])),
            parent_operation_id=optional_id(row["parent_operation_id"]),
            resource_type=row["resource_type"],
            pricing=Pricing(row["pricing"]),
            unpriced_reason=row["unpriced_reason"],
            archived=row["archived"] is not None,
        )

    @guarded(Permission.READ)
    async def agent(self, info: Info) -> Agent | None:
        """Who consumed it."""
        row = await info.context.consumer(self.row["agent_uid"])
        return None if row is None else Agent.of(row)

    @guarded(Permission.READ, description="The budget that was charged directly.")
    def budget(self, info: Info) -> Budget | None:
        """The budget that was charged directly."""
        row = info.context.view.find(self.row["budget_id"])
        return None if row is None else Budget.of(row)

    @guarded(Permission.READ, description="What it cost when it was recorded or priced; null while unpriced.")
    async def cost_entry(self, info: Info) -> CostEntry | None:
        """Its first entry."""
        rows = await info.context.cost_entries(self.row["uid"])
        return CostEntry.of(rows[0]) if rows else None

    @guarded(Permission.READ, description="What it spent itself, and by the operations that it delegated.")
    async def delegation(self, info: Info) -> Delegation:
        """Own and delegated spend."""
        return Delegation.of(await info.context.delegation(self.row["uid"]))

    @guarded(Permission.READ, description="All that it incurred, in the order of writing.")
    async def cost_entries(self, info: Info) -> list[CostEntry]:
        """All its entries."""
        return CostEntry.each(await info.context.cost_entries(self.row["uid"]))


@strawberry.type(
    description="A page of usage, newest first (unpriced usage: last recorded first). Where little fits "
    "the filter, a page may hold fewer than asked for and still have a next one."
)
class TokenUsageConnection(FromRawUsage):
    """A page of usage."""

    nodes: list[TokenUsage]
    page_info: PageInfo


@strawberry.input(description="Which usage: all of these must hold.")
class UsageFilter:
    """Which usage."""

    budget_id: strawberry.ID | None = strawberry.field(description="Charged to this budget or below it.")
    agent_id: strawberry.ID | None
    session_id: strawberry.ID | None
    user_id: strawberry.ID | None
    model_id: str | None
    provider: str | None
    pricing: Pricing | None
    from_: InstantText | None = strawberry.field(name="from", description="Inclusive.")
    to: InstantText | None = strawberry.field(description="Exclusive.")

"""Price sources, their refreshes, and prices of them that wait for approval."""

from fractions import Fraction
from typing import Self

import strawberry

from ledger.price_sources import Attempt, StoredSource
from ledger.price_sources import HeldPrice as Held
from pricing.cards import MILLION
from pricing.money import parse_decimal
from pricing.review import Jump
from pricing.review import Verdict as JumpVerdict
from pricing.sources import EVERY_SECONDS, TIMEOUT_SECONDS
from pricing.sources import PriceSource as Source
from pricing.sources import SourceKind as PriceSourceKind
from pricing.view import price_for
from schema.enums import HeldPriceState, RefreshOutcome
from schema.page import PageInfo
from schema.scalars import DateTime, Decimal
from schema.words import optional_instant


@strawberry.type(description="One refresh of a source.")
class PriceRefresh:
    """One refresh."""

    at: DateTime
    outcome: RefreshOutcome
    code: str | None = strawberry.field(
        description="Of a failure: URL ADDRESS UNREACHABLE TIMEOUT REDIRECT SIZE ANSWER STATUS FILE "
        "DATA UNAVAILABLE INTERNAL, or the ledger's."
    )
    message: str | None
    accepted: int = strawberry.field(
        description="Models whose price, or rates of exchange that, are new or others."
    )
    held: int = strawberry.field(description="Models whose new price waits for approval.")
    kept: int = strawberry.field(description="Models whose last good price goes on without being confirmed.")
    left_out: int = strawberry.field(description="Prices of the document that are not read.")
    version: str
    content_hash: str | None = strawberry.field(description="SHA-256 of the document, in hex.")
    etag: str | None
    took_ms: int

    @classmethod
    def of(cls, row: Attempt) -> Self:
        """From the ledger's."""
        return cls(
            at=DateTime(row.at_us),
            outcome=row.outcome,
            code=row.code,
            message=row.message,
            accepted=row.accepted,
            held=row.held,
            kept=row.kept,
            left_out=row.left_out,
            version=row.version,
            content_hash=row.content_hash or None,
            etag=row.etag,
            took_ms=row.took_ms,
        )


@strawberry.type(description="A display name and the model id or pattern that it stands for.")
class ModelName:
    """What a name stands for."""

    name: str
    model: str


@strawberry.type(description="Where prices come from by themselves.")
class PriceSource:
    """A price source."""

    source_id: strawberry.ID
    kind: PriceSourceKind
    location: str
    provider: str | None
    region: str | None
    model_ids: list[ModelName]
    every_seconds: int | None = strawberry.field(description="Null: on demand only.")
    timeout_seconds: int
    jump_factor: Decimal
    author: str
    changed_at: DateTime
    failures: int = strawberry.field(description="How many refreshes failed since one did not.")
    last_good_at: DateTime | None = strawberry.field(description="When a refresh last did not fail.")
    due_at: DateTime | None = strawberry.field(description="When it is refreshed next.")
    waiting: int = strawberry.field(description="How many of its prices wait for approval.")
    refreshes: list[PriceRefresh] = strawberry.field(description="The last 20, the newest first.")

    @classmethod
    def of(cls, row: StoredSource) -> Self:
        """From the ledger's."""
        source = row.source
        return cls(
            source_id=strawberry.ID(source.source_id),
            kind=source.kind,
            location=source.location,
            provider=source.provider,
            region=source.region,
            model_ids=[ModelName(name=name, model=model) for name, model in source.model_ids.items()],
            every_seconds=source.every_seconds,
            timeout_seconds=source.timeout_seconds,
            jump_factor=Decimal(f"{source.jump_factor:f}"),
            author=row.author,
            changed_at=DateTime(row.changed_at_us),
            failures=row.failures,
            last_good_at=optional_instant(row.good_at_us),
            due_at=optional_instant(row.due_at_us),
            waiting=row.waiting,
            refreshes=[PriceRefresh.of(each) for each in row.attempts],
        )


@strawberry.type(description="One rate that changed too much to be taken without asking.")
class PriceJump:
    """A jump."""

    unit: str
    before_per_million: Decimal
    after_per_million: Decimal
    verdict: JumpVerdict

    @classmethod
    def of(cls, row: Jump) -> Self:
        """From the review's."""
        return cls(
            unit=row.unit,
            before_per_million=_per_million(row.before),
            after_per_million=_per_million(row.after),
            verdict=row.verdict,
        )


@strawberry.type(description="A price that waits for approval, or did. Until then the last good one goes on.")
class HeldPrice:
    """A held price."""

    held_id: strawberry.ID
    source_id: strawberry.ID
    model: str = strawberry.field(
        description="`provider/model`; the name in LiteLLM's file; `EUR/USD 2026-11-20` of an exchange rate."
    )
    jumps: list[PriceJump]
    state: HeldPriceState
    found_at: DateTime
    version: str = strawberry.field(description="Of the document that it was found in.")
    decided_by: str | None
    decided_at: DateTime | None
    reason: str | None

    @classmethod
    def of(cls, row: Held) -> Self:
        """From the ledger's."""
        return cls(
            held_id=strawberry.ID(row.held_id),
            source_id=strawberry.ID(row.source_id),
            model=row.offered.key,
            jumps=[PriceJump.of(each) for each in row.jumps],
            state=row.state,
            found_at=DateTime(row.found_at_us),
            version=row.version,
            decided_by=row.decided_by,
            decided_at=optional_instant(row.decided_at_us),
            reason=row.reason,
        )


@strawberry.type(description="A page of held prices, by source and model.")
class HeldPriceConnection:
    """A page of held prices."""

    nodes: list[HeldPrice]
    page_info: PageInfo


@strawberry.input(description="A display name, and the model id or pattern that it stands for.")
class ModelNameInput:
    """What a name stands for."""

    name: str
    model: str


@strawberry.input(description="A price source, all of it anew.")
class PriceSourceInput:
    """A price source."""

    source_id: strawberry.ID
    kind: PriceSourceKind
    location: str = strawberry.field(
        description="A URL; file:NAME in the server's folder of price files; catalogue: the package."
    )
    provider: str | None = strawberry.field(description="Whose prices: needed of the catalogue.")
    region: str | None = strawberry.field(description="AWS's region.")
    model_ids: list[ModelNameInput] = strawberry.field(
        default_factory=list, description="What AWS's names of models stand for."
    )
    every_seconds: int | None = strawberry.field(
        default=EVERY_SECONDS, description="60 to 2678400; null: on demand only."
    )
    timeout_seconds: int = TIMEOUT_SECONDS
    jump_factor: Decimal = strawberry.field(
        default=Decimal("3"), description="A price that rises or falls by more than this waits for approval."
    )

    def source(self) -> Source:
        """The source. Raises ``PricingError``."""
        return Source(
            self.source_id,
            self.kind,
            self.location,
            self.provider,
            self.region,
            {each.name: each.model for each in self.model_ids},
            self.every_seconds,
            self.timeout_seconds,
            parse_decimal(self.jump_factor, "jump_factor"),
        )


def _per_million(rate: Fraction) -> Decimal:
    return Decimal(f"{price_for(rate, MILLION):f}")

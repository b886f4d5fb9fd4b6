"""Webhook endpoints: where events go, which ones, and what was not taken."""

from collections.abc import Sequence
from typing import Self

import strawberry

from ledger.delivery import DeadLetter as LetterRow
from ledger.delivery import Endpoint
from ledger.model import id_of
from schema.page import PageInfo
from schema.scalars import BigInt, DateTime
from schema.words import optional_id, optional_instant

TYPES = "budget.warning, budget.exceeded, budget.low_balance, cost.recorded"


@strawberry.type(
    description="Where events are sent, each at least once, in order, in the format of Standard Webhooks."
)
class WebhookEndpoint:
    """Where events are sent."""

    endpoint_id: strawberry.ID
    url: str
    types: list[str] = strawberry.field(description=TYPES)
    budget_id: strawberry.ID | None = strawberry.field(
        description="Only what is charged to this budget or below; null: all of the tenant's."
    )
    description: str | None
    enabled: bool
    created_at: DateTime
    attempts: int = strawberry.field(description="How often the event that comes next has failed.")
    next_attempt_at: DateTime | None
    last_error: str | None
    previous_secret_until: DateTime | None = strawberry.field(
        description="Until when messages are signed with the secret before the last rotation, too."
    )

    @classmethod
    def of(cls, row: Endpoint) -> Self:
        """From the graph's."""
        until_us = next((each.until_us for each in row.secrets if each.until_us is not None), None)
        return cls(
            endpoint_id=strawberry.ID(row.endpoint_id),
            url=row.url,
            types=list(row.types),
            budget_id=optional_id(None if row.budget_uid is None else id_of(row.budget_uid)),
            description=row.description,
            enabled=row.enabled,
            created_at=DateTime(row.created_at_us),
            attempts=row.attempts,
            next_attempt_at=optional_instant(row.next_attempt_us or None),
            last_error=row.last_error,
            previous_secret_until=optional_instant(until_us),
        )


@strawberry.type(description="An endpoint with its signing secret: keep it now, it is not shown again.")
class WebhookEndpointSecret:
    """An endpoint with its secret."""

    endpoint: WebhookEndpoint
    secret: str


@strawberry.type(description="A page of webhook endpoints, by id.")
class WebhookEndpointConnection:
    """A page of endpoints."""

    nodes: list[WebhookEndpoint]
    page_info: PageInfo


@strawberry.type(description="An event that an endpoint did not take, however often it was tried.")
class DeadLetter:
    """An event that was not taken."""

    event_id: strawberry.ID
    type: str
    attempts: int
    error: str
    failed_at: DateTime
    replaying: bool = strawberry.field(description="Whether it is about to be sent again.")

    @classmethod
    def each(cls, rows: Sequence[LetterRow]) -> list[Self]:
        """From the graph's."""
        return [
            cls(
                event_id=strawberry.ID(row.event_id),
                type=row.event_type,
                attempts=row.attempts,
                error=row.error,
                failed_at=DateTime(row.failed_at_us),
                replaying=row.replaying,
            )
            for row in rows
        ]


@strawberry.type(description="A page of an endpoint's dead letters, the last ones first.")
class DeadLetterConnection:
    """A page of dead letters."""

    nodes: list[DeadLetter]
    page_info: PageInfo


@strawberry.type
class Replayed:
    """How many dead letters are sent again."""

    count: BigInt


@strawberry.input
class CreateWebhookEndpointInput:
    """A new endpoint."""

    url: str = strawberry.field(
        description="An https address that is public, unless the server's settings allow more."
    )
    types: list[str] | None = strawberry.field(description=f"All, where none are named: {TYPES}.")
    budget_id: strawberry.ID | None = strawberry.field(
        description="Only what is charged to this budget or below. A confined key's endpoints are confined."
    )
    description: str | None


@strawberry.input
class UpdateWebhookEndpointInput:
    """Changes of an endpoint: what is given replaces."""

    endpoint_id: strawberry.ID
    url: str | None
    types: list[str] | None
    description: str | None
    enabled: bool | None = strawberry.field(
        description="A disabled one gets nothing; enabled again, it gets what it missed."
    )

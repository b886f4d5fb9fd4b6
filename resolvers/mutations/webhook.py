"""Changes to webhook endpoints."""

from typing import Any

import strawberry

from graph.webhooks import secrets_text
from ledger.access import Permission
from ledger.delivery import (
    ENDPOINTS_MAX,
    Endpoint,
    check_description,
    check_types,
    new_secret,
    rotated,
)
from ledger.errors import Conflict, InvalidInput, NotFound
from ledger.events import seq_of
from resolvers.following import top_of
from resolvers.info import Info
from resolvers.queries.webhook import endpoint_for
from schema.access import guarded
from schema.scalars import BigInt
from schema.webhook import (
    CreateWebhookEndpointInput,
    Replayed,
    UpdateWebhookEndpointInput,
    WebhookEndpoint,
    WebhookEndpointSecret,
)
from schema.words import FIRST_MAX


async def change(info: Info, endpoint_id: str, action: str = "webhook.update", **properties: Any) -> Endpoint:
    """Change an endpoint that the caller manages. Raises ``NotFound``."""
    context = info.context
    endpoint = await endpoint_for(info, endpoint_id)
    author = context.principal.key_id
    changed = await context.read(
        lambda: context.services.webhooks.change(endpoint, properties, author=author, action=action)
    )
    if changed is None:
        raise NotFound(f"There is no webhook endpoint {endpoint_id}.", field="endpoint_id")
    return changed


@strawberry.type
class WebhookMutations:
    """What can be done to webhooks."""

    @guarded(
        Permission.OPERATE,
        description="Send events to an address, from now on. The secret that signs them is shown once.",
    )
    async def create_webhook_endpoint(
        self, info: Info, input: CreateWebhookEndpointInput
    ) -> WebhookEndpointSecret:
        """A new endpoint with its secret."""
        context = info.context
        context.renew()
        webhooks, tenant = context.services.webhooks, context.principal.tenant
        types, description = check_types(input.types), check_description(input.description)
        context.services.vet_url(input.url)
        budget_uid = await top_of(context, input.budget_id)
        if len(await context.read(webhooks.page, tenant, None, ENDPOINTS_MAX)) >= ENDPOINTS_MAX:
            raise Conflict(f"A tenant has {ENDPOINTS_MAX} webhook endpoints at most.")
        secret, head = new_secret(), await context.read(context.services.relay.stream.head, tenant)
        row = await context.read(
            lambda: webhooks.create(
                tenant,
                input.url,
                types,
                secret,
                budget_uid=budget_uid,
                description=description,
                cursor_seq=head.seq,
                author=context.principal.key_id,
            )
        )
        return WebhookEndpointSecret(endpoint=WebhookEndpoint.of(row), secret=secret)

    @guarded(Permission.OPERATE, description="Change a webhook endpoint, disable or enable it.")
    async def update_webhook_endpoint(self, info: Info, input: UpdateWebhookEndpointInput) -> WebhookEndpoint:
        """A changed endpoint."""
        info.context.renew()
        properties: dict[str, Any] = {}
        if input.url is not None:
            info.context.services.vet_url(input.url)
            properties["url"] = input.url
        if input.types is not None:
            properties["types"] = list(check_types(input.types))
        if input.description is not None:
            properties["description"] = check_description(input.description)
        if input.enabled is not None:
            properties["enabled"] = input.enabled
        if properties:
            # Whatever it failed of, it is tried again at once.
            properties |= {"attempts": 0, "next_attempt_us": 0}
        return WebhookEndpoint.of(await change(info, input.endpoint_id, **properties))

    @guarded(
        Permission.OPERATE,
        description="A new signing secret, shown once. For 24 h the one before signs, too.",
    )
    async def rotate_webhook_secret(self, info: Info, endpoint_id: strawberry.ID) -> WebhookEndpointSecret:
        """An endpoint with its new secret."""
        info.context.renew()
        endpoint, secret = await endpoint_for(info, endpoint_id), new_secret()
        valid = rotated(endpoint.secrets, secret, info.context.services.clock())
        row = await change(info, endpoint_id, "webhook.rotate_secret", secrets=secrets_text(valid))
        return WebhookEndpointSecret(endpoint=WebhookEndpoint.of(row), secret=secret)

    @guarded(Permission.OPERATE, description="End a webhook endpoint. Its dead letters are forgotten.")
    async def delete_webhook_endpoint(self, info: Info, endpoint_id: strawberry.ID) -> WebhookEndpoint:
        """The endpoint as it was."""
        context = info.context
        context.renew()
        endpoint = await endpoint_for(info, endpoint_id)
        await context.read(context.services.webhooks.delete, endpoint, context.principal.key_id)
        return WebhookEndpoint.of(endpoint)

    @guarded(
        Permission.OPERATE,
        description="Send dead letters again, all of an endpoint's where none are named. What is not taken "
        "then stays one.",
    )
    async def replay_dead_letters(
        self, info: Info, endpoint_id: strawberry.ID, event_ids: list[strawberry.ID] | None = None
    ) -> Replayed:
        """How many are sent again."""
        context = info.context
        context.renew()
        if event_ids is not None and len(event_ids) > FIRST_MAX:
            raise InvalidInput(f"name {FIRST_MAX} events at most", field="event_ids")
        seqs = (
            None
            if event_ids is None
            else [seq_of(context.principal.tenant, each, "event_ids") for each in event_ids]
        )
        endpoint = await endpoint_for(info, endpoint_id)
        author = context.principal.key_id
        count = await context.read(context.services.webhooks.replay, endpoint, seqs, author)
        return Replayed(count=BigInt(count))

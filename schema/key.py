"""API keys."""

from typing import Protocol, Self

import strawberry

from ledger.access import Role as KeyRole
from ledger.model import id_of
from schema.enums import Role
from schema.page import PageInfo
from schema.scalars import DateTime
from schema.words import optional_instant


class KeyRow(Protocol):
    """A key as the graph room has it."""

    @property
    def key_id(self) -> str: ...  # noqa: D102
    @property
    def tenant(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> KeyRole: ...  # noqa: D102
    @property
    def budget_uid(self) -> str | None: ...  # noqa: D102
    @property
    def created_at_us(self) -> int: ...  # noqa: D102
    @property
    def revoked_at_us(self) -> int | None: ...  # noqa: D102


@strawberry.type(description="An API key. Its secret was shown when it was created, and is nowhere now.")
class ApiKey:
    """An API key."""

    key_id: strawberry.ID
    tenant: str
    name: str
    role: Role
    budget_id: strawberry.ID | None = strawberry.field(
        description="It sees and spends below this budget only; null: in the whole tenant."
    )
    created_at: DateTime
    revoked_at: DateTime | None

    @classmethod
    def of(cls, row: KeyRow) -> Self:
        """From the graph's."""
        return cls(
            key_id=strawberry.ID(row.key_id),
            tenant=row.tenant,
            name=row.name,
            role=row.role,
            budget_id=None if row.budget_uid is None else strawberry.ID(id_of(row.budget_uid)),
            created_at=DateTime(row.created_at_us),
            revoked_at=optional_instant(row.revoked_at_us),
        )


@strawberry.type(description="A new key with its secret: keep it now, it is not shown again.")
class CreatedApiKey:
    """A new key with its secret."""

    key: ApiKey
    secret: str


@strawberry.type(description="A page of API keys, by id, revoked ones included.")
class ApiKeyConnection:
    """A page of API keys."""

    nodes: list[ApiKey]
    page_info: PageInfo


@strawberry.input
class CreateApiKeyInput:
    """A new key."""

    name: str
    role: Role
    budget_id: strawberry.ID | None = strawberry.field(
        description="Confine the key to this budget and below."
    )
    tenant: str | None = strawberry.field(
        description="Another tenant than the caller's: for the deployment's own admin key only."
    )

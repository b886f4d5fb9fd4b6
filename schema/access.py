"""How a field declares what a caller needs: the one door that every field with a resolver goes through.

``guarded(Permission.READ)`` makes a field. A test over the built schema finds every field that was made
in another way.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from strawberry.extensions.field_extension import FieldExtension

from ledger.access import Permission


class Requires(FieldExtension):
    """Refuses a caller whose role does not grant the permission, before the resolver runs."""

    def __init__(self, permission: Permission) -> None:
        """Name what the field needs."""
        self.permission = permission

    def resolve(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info[Any, Any], **kwargs: Any
    ) -> Any:
        """Check, then resolve. Raises ``Forbidden``."""
        info.context.principal.require(self.permission)
        return next_(source, info, **kwargs)

    async def resolve_async(
        self,
        next_: Callable[..., Awaitable[Any]],
        source: Any,
        info: strawberry.Info[Any, Any],
        **kwargs: Any,
    ) -> Any:
        """As ``resolve``, where the resolver is asynchronous."""
        info.context.principal.require(self.permission)
        return await next_(source, info, **kwargs)


def guarded(permission: Permission, **options: Any) -> Any:
    """``strawberry.field`` for callers whose role grants ``permission``."""
    return strawberry.field(extensions=[Requires(permission)], **options)


class RequiresToFollow(Requires):
    """The same for a subscription, whose resolver gives a stream and not a value."""

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: strawberry.Info[Any, Any], **kwargs: Any
    ) -> Any:
        """Check, then hand out the stream."""
        return self.resolve(next_, source, info, **kwargs)


def guarded_stream(permission: Permission, **options: Any) -> Any:
    """``strawberry.subscription`` for callers whose role grants ``permission``."""
    return strawberry.subscription(extensions=[RequiresToFollow(permission)], **options)

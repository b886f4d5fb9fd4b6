"""Overrides: granted, and ended at once."""

from typing import cast

import strawberry

from ledger import model
from ledger.access import Permission
from ledger.override_commands import OverrideCommand, RevokeOverride
from resolvers.info import Info
from schema.access import guarded
from schema.override import CreateOverrideInput, Override


async def _decided(info: Info, command: OverrideCommand) -> Override:
    """Submit it, then show the override as it is. Raises ``LedgerError``."""
    context = info.context
    context.renew()
    row = cast("model.Override", await context.services.ledger.submit(command))
    view = await context.load_view()
    return Override.of(row, view, context.principal.key_id, context.services.clock())


@strawberry.type
class OverrideMutations:
    """What can be done with overrides."""

    @guarded(
        Permission.OPERATE,
        description="Let reservations pass what refuses them, in an emergency: up to an amount, until an "
        "instant. Asked again with the same key, the answer is the override as it now is.",
    )
    async def create_override(self, info: Info, input: CreateOverrideInput) -> Override:
        """A new override."""
        return await _decided(info, input.command(info.context.principal))

    @guarded(Permission.OPERATE, description="End an override at once. What passed by it stays held.")
    async def revoke_override(self, info: Info, override_id: strawberry.ID) -> Override:
        """An override that is over."""
        principal = info.context.principal
        command = RevokeOverride(principal.tenant, principal.scope_uid, override_id, principal.key_id)
        return await _decided(info, command)

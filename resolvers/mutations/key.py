"""Changes to API keys."""

import strawberry

from graph.keys import ADMIN_KEY_ID
from ledger.access import Permission
from ledger.errors import Forbidden, InvalidInput, NotFound
from ledger.model import DEFAULT_TENANT, uid_of
from ledger.view import View
from resolvers.info import Info
from resolvers.queries.key import administers
from resolvers.tenants import tenant_for
from schema.access import guarded
from schema.key import ApiKey, CreateApiKeyInput, CreatedApiKey

NAME_LENGTH_MAX = 256


async def budget_uid_for(info: Info, tenant: str, budget_id: str | None) -> str | None:
    """The budget that a new key is confined to: as asked, else the caller's own. Raises ``NotFound``."""
    principal = info.context.principal
    if budget_id is None:
        return principal.scope_uid
    if tenant == principal.tenant:
        view = await info.context.load_view()
    else:
        view = View(await info.context.read(info.context.services.trees.get, tenant))
    if not view.sees(uid_of(tenant, budget_id)):
        raise NotFound(f"There is no budget {budget_id}.", field="budget_id")
    return uid_of(tenant, budget_id)


def check_name(name: str) -> str:
    """The name of a key. Raises ``InvalidInput``."""
    if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidInput(f"name must have 1 to {NAME_LENGTH_MAX} printable characters", field="name")
    return name


def is_deployments_own(tenant: str, key_id: str) -> bool:
    """Whether a key is the one of ``COSTGRAPH_ADMIN_KEY``."""
    return tenant == DEFAULT_TENANT and key_id == ADMIN_KEY_ID


@strawberry.type
class KeyMutations:
    """What can be done to API keys."""

    @guarded(
        Permission.ADMINISTER,
        description="Create an API key. A confined caller's keys are confined to its subtree. "
        "Its secret is shown once.",
    )
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreatedApiKey:
        """A new key with its secret."""
        info.context.renew()
        tenant = tenant_for(info.context.principal, input.tenant)
        budget_uid = await budget_uid_for(info, tenant, input.budget_id)
        keys = info.context.services.keys
        row, secret = await info.context.read(
            keys.create,
            tenant,
            check_name(input.name),
            input.role,
            budget_uid,
            info.context.principal.key_id,
        )
        return CreatedApiKey(key=ApiKey.of(row), secret=secret)

    @guarded(
        Permission.ADMINISTER,
        description="End an API key, everywhere within 5 s. Only the deployment's own key may name a tenant.",
    )
    async def revoke_api_key(self, info: Info, key_id: strawberry.ID, tenant: str | None = None) -> ApiKey:
        """A revoked key."""
        info.context.renew()
        owner = tenant_for(info.context.principal, tenant)
        view, keys = await info.context.load_view(), info.context.services.keys
        row = await info.context.read(keys.get, owner, key_id)
        if row is None or not administers(view, row):
            raise NotFound(f"There is no API key {key_id}.", field="key_id")
        if is_deployments_own(owner, key_id):
            raise Forbidden("The deployment's own key is changed by COSTGRAPH_ADMIN_KEY.", field="key_id")
        ended = await info.context.read(keys.revoke, owner, key_id, info.context.principal.key_id)
        return ApiKey.of(ended or row)

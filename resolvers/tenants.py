"""Who may speak for which tenant."""

import re
from typing import Final

from graph.keys import ADMIN_KEY_ID
from ledger.access import Principal
from ledger.errors import Forbidden, InvalidInput
from ledger.model import DEFAULT_TENANT

TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def tenant_for(principal: Principal, named: str | None) -> str:
    """The tenant that a caller means: its own, or any where the caller is the deployment's own admin key.

    Raises ``Forbidden`` for any other, whether it exists or not, and ``InvalidInput``.
    """
    if named is None or named == principal.tenant:
        return principal.tenant
    if principal.key_id != ADMIN_KEY_ID or principal.tenant != DEFAULT_TENANT:
        raise Forbidden("Only the deployment's own admin key may name another tenant.", field="tenant")
    if not TENANT.fullmatch(named):
        raise InvalidInput(
            "tenant must have 1 to 63 letters, digits, dots, dashes or underscores, "
            "and begin with a letter or digit",
            field="tenant",
        )
    return named

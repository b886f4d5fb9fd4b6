"""Who may do what: roles, what each permits, and the principal behind an API key."""

from dataclasses import dataclass
from enum import StrEnum

from ledger.errors import Forbidden


class Permission(StrEnum):
    """What an operation of the API needs."""

    READ = "read"
    RECORD = "record"
    MANAGE_AGENTS = "manage_agents"
    MANAGE_BUDGETS = "manage_budgets"
    OPERATE = "operate"
    RESEARCH = "research"
    ADMINISTER = "administer"


class Role(StrEnum):
    """The role of an API key."""

    VIEWER = "viewer"
    RECORDER = "recorder"
    OPERATOR = "operator"
    RESEARCHER = "researcher"
    ADMIN = "admin"


_READS = frozenset({Permission.READ})
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _READS,
    Role.RECORDER: _READS | {Permission.RECORD, Permission.MANAGE_AGENTS},
    Role.OPERATOR: _READS
    | {Permission.RECORD, Permission.MANAGE_AGENTS, Permission.MANAGE_BUDGETS, Permission.OPERATE},
    Role.RESEARCHER: _READS | {Permission.RECORD, Permission.MANAGE_AGENTS, Permission.RESEARCH},
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: its key, tenant, role, and the budget whose subtree it sees (None: the whole tenant)."""

    key_id: str
    tenant: str
    role: Role
    scope_uid: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the role grants the permission."""
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raise ``Forbidden`` unless the role grants the permission."""
        if not self.may(permission):
            raise Forbidden(
                f"A key with the role {self.role.value} may not do this: it needs the permission "
                f"{permission.value}."
            )

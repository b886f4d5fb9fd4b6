"""What can be asked about overrides: emergency grants that let refused reservations pass."""

from dataclasses import dataclass
from typing import Final

from ledger.errors import InvalidInput
from ledger.model import uid_of
from ledger.usage import ID_LENGTH_MAX, digest_of, fingerprint_of

REASON_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class CreateOverride:
    """Let reservations that charge a budget pass what refuses them. Answers an ``Override``.

    The same again, by its idempotency key, answers the one that there is, as it now is.
    """

    tenant: str
    scope_uid: str | None
    idempotency_key: str
    budget_id: str
    amount_nano: int
    reason: str
    until_us: int
    agent_id: str | None = None
    user_id: str | None = None
    author: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked outside of the ledger's lock."""
        for name in ("idempotency_key", "agent_id", "user_id"):
            said = getattr(self, name)
            if said is not None and not (0 < len(said) <= ID_LENGTH_MAX and said.isprintable()):
                raise InvalidInput(f"{name} must have 1 to {ID_LENGTH_MAX} printable characters", field=name)
        if self.amount_nano <= 0:
            raise InvalidInput("amount must be above 0", field="amount")
        if not 0 < len(self.reason.strip()) <= REASON_MAX:
            raise InvalidInput(f"reason must have 1 to {REASON_MAX} characters", field="reason")

    @property
    def override_id(self) -> str:
        """The id of the override that a key asks for: one look-up finds it by either."""
        return digest_of(f"{self.tenant}\0override\0{self.idempotency_key}")

    @property
    def uid(self) -> str:
        """Its key in the graph."""
        return uid_of(self.tenant, self.override_id)

    @property
    def fingerprint(self) -> str:
        """A digest of what the caller sent."""
        content = [
            self.budget_id,
            self.amount_nano,
            self.reason,
            self.until_us,
            self.agent_id,
            self.user_id,
        ]
        return fingerprint_of({"override": content})


@dataclass(frozen=True, slots=True)
class RevokeOverride:
    """End an override at once; what passed by it stays. Answers the ``Override``; a second time the same."""

    tenant: str
    scope_uid: str | None
    override_id: str
    author: str | None = None


OverrideCommand = CreateOverride | RevokeOverride

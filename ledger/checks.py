"""What a caller's words must be, checked outside of the ledger's lock."""

from typing import Final

from ledger.errors import InvalidInput, OutOfRange
from ledger.usage import ID_LENGTH_MAX
from pricing.money import NANO_MAX

TTL_SECONDS_MAX: Final = 86_400


def check_name(name: str | None, field: str) -> None:
    """Raise ``InvalidInput`` for an id that cannot be one."""
    if name is not None and not (0 < len(name) <= ID_LENGTH_MAX and name.isprintable()):
        raise InvalidInput(f"{field} must have 1 to {ID_LENGTH_MAX} printable characters", field=field)


def check_amount(amount_nano: int | None, field: str) -> None:
    """Raise ``LedgerError`` for an amount that cannot be held."""
    if amount_nano is None:
        return
    if amount_nano < 0:
        raise InvalidInput(f"{field} must not be negative", field=field)
    if amount_nano > NANO_MAX:
        raise OutOfRange(f"{field} does not fit into 64 bits of nano-units", field=field)


def check_ttl(ttl_seconds: int) -> None:
    """Raise ``InvalidInput`` for a time to live that is no time, or past a day."""
    if not 1 <= ttl_seconds <= TTL_SECONDS_MAX:
        raise InvalidInput(f"ttl_seconds must be 1 to {TTL_SECONDS_MAX}", field="ttl_seconds")

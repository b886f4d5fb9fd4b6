"""What every door of the room checks: names, finite numbers, counts."""

import math

from evolution.errors import InvalidInput

ID_LENGTH_MAX = 256
NANO_MAX = 2**63 - 1


def check_id(value: str, field: str) -> None:
    """An id is 1 to 256 characters. Raises ``InvalidInput``."""
    if not 0 < len(value) <= ID_LENGTH_MAX:
        raise InvalidInput(
            f"{field} must have 1 to {ID_LENGTH_MAX} characters, not {len(value)}", field=field
        )


def check_fraction(value: float | None, field: str) -> None:
    """In [0, 1], or None. Raises ``InvalidInput``, for NaN too."""
    if value is not None and not 0 <= value <= 1:
        raise InvalidInput(f"{field} ({value}) must be in [0, 1]", field=field)


def check_measure(value: float | None, field: str) -> None:
    """Finite and not negative, or None. Raises ``InvalidInput``."""
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise InvalidInput(f"{field} ({value}) must be a finite number of at least 0", field=field)


def check_nano(value: int | None, field: str) -> None:
    """0 to 2^63 - 1 nano-units, or None. Raises ``InvalidInput``."""
    if value is not None and not 0 <= value <= NANO_MAX:
        raise InvalidInput(f"{field} ({value}) must be 0 to {NANO_MAX} nano-units", field=field)


def check_positive(value: float | None, field: str) -> None:
    """Finite and above 0, or None. Raises ``InvalidInput``."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise InvalidInput(f"{field} ({value}) must be a finite number above 0", field=field)

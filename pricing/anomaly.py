"""Costs that are not what was estimated, in the source document's five grades.

d = |actual - estimated| / estimated, on base costs without the platform's fee: none below 20 %, low from
20 %, medium from 50 %, high from 100 % to 200 %, critical above that, or where nothing was to cost something.
The edges are compared exactly: 20 % is 20 %.
"""

from enum import StrEnum
from fractions import Fraction
from typing import Final, NamedTuple

from pricing.calendar import check_instant
from pricing.errors import InvalidAmount
from pricing.money import round_ratio


class Severity(StrEnum):
    """How far off an estimate was."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class CostAnomaly(NamedTuple):
    """The source document's record; money in nano-units."""

    request_id: str
    provider: str | None
    model: str | None
    estimated_cost_nano: int
    actual_cost_nano: int
    difference_ppm: int | None
    """d in parts per million, rounded: ``difference_percent`` is this / 10,000. None of an estimate of 0."""
    severity: Severity
    detected_at_us: int


_LOW: Final = Fraction(1, 5)
_MEDIUM: Final = Fraction(1, 2)
_HIGH: Final = Fraction(1)
_CRITICAL: Final = Fraction(2)
_MILLION: Final = 10**6


def severity_of(estimated_nano: int, actual_nano: int) -> Severity | None:
    """The grade of a difference; None for one that is none."""
    if min(estimated_nano, actual_nano) < 0:
        message = f"costs must not be negative: estimated {estimated_nano}, actual {actual_nano}"
        raise InvalidAmount(message, "estimated_cost")
    if estimated_nano == 0:
        return Severity.CRITICAL if actual_nano else None
    difference = Fraction(abs(actual_nano - estimated_nano), estimated_nano)
    if difference > _CRITICAL:
        return Severity.CRITICAL
    for edge, severity in ((_HIGH, Severity.HIGH), (_MEDIUM, Severity.MEDIUM), (_LOW, Severity.LOW)):
        if difference >= edge:
            return severity
    return None


def detect(
    request_id: str,
    provider: str | None,
    model: str | None,
    *,
    estimated_nano: int,
    actual_nano: int,
    at_us: int,
) -> CostAnomaly | None:
    """The anomaly of a request, if it is one. Raises ``InvalidAmount`` for costs below 0."""
    severity = severity_of(estimated_nano, actual_nano)
    if severity is None:
        return None
    off_nano = abs(actual_nano - estimated_nano)
    ppm = round_ratio(off_nano * _MILLION, estimated_nano) if estimated_nano else None
    return CostAnomaly(
        request_id, provider, model, estimated_nano, actual_nano, ppm, severity, check_instant(at_us)
    )

"""Limits as asked for → limits of a budget: which meters go with which windows."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from ledger.commands import LimitSpec
from ledger.errors import InvalidInput, OutOfRange
from ledger.model import AMOUNT_LIMIT, Enforcement, Limit, Meter, Threshold, Throttle, WindowKind
from ledger.plan import MEMBER_FACT
from ledger.windows import EXCEEDED_PPM, PPM
from pricing.money import NANO_MAX

LIMITS_MAX: Final = 64
THRESHOLDS_MAX: Final = 10
COOL_DOWN_SECONDS_MAX: Final = 7 * 86_400
SHAPE_MILLI_MIN: Final = 100
SHAPE_MILLI_MAX: Final = 10_000
DELAY_MS_MAX: Final = 3_600_000
# Part of the limit's key, so without the characters that separate keys.
_RESOURCE = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_TIMED = frozenset(
    {
        WindowKind.MINUTE,
        WindowKind.HOUR,
        WindowKind.DAY,
        WindowKind.WEEK,
        WindowKind.MONTH,
        WindowKind.YEAR,
        WindowKind.PERIOD,
        WindowKind.LIFETIME,
    }
)
_PAIRS: dict[Meter, frozenset[WindowKind | None]] = {
    Meter.COST: _TIMED | {WindowKind.REQUEST},
    Meter.TOKENS: _TIMED | {WindowKind.REQUEST},
    Meter.REQUESTS: _TIMED,
    Meter.LEVEL: frozenset({None}),
    Meter.SIZE: frozenset({WindowKind.REQUEST}),
    Meter.AGE: frozenset({None}),
}
_DEFAULT = {
    Meter.COST: WindowKind.PERIOD,
    Meter.TOKENS: WindowKind.PERIOD,
    Meter.REQUESTS: WindowKind.PERIOD,
    Meter.SIZE: WindowKind.REQUEST,
}


def amount_limit(budget_uid: str, amount_nano: int | None, thresholds_ppm: tuple[int, ...]) -> Limit:
    """The limit that is a budget's own amount; without an amount it only tracks."""
    return Limit(
        f"{budget_uid}#{AMOUNT_LIMIT}",
        budget_uid,
        AMOUNT_LIMIT,
        Meter.COST,
        WindowKind.PERIOD,
        amount_nano,
        thresholds_ppm=thresholds_ppm,
    )


def limits_of(
    budget_uid: str, amount_nano: int | None, thresholds_ppm: tuple[int, ...], specs: tuple[LimitSpec, ...]
) -> tuple[Limit, ...]:
    """All limits of a budget, its amount first. Raises ``InvalidInput``."""
    check_number(specs)
    limits = {AMOUNT_LIMIT: amount_limit(budget_uid, amount_nano, thresholds_ppm)}
    for spec in specs:
        limit = _limit(budget_uid, thresholds_ppm, spec)
        if limit.key in limits:
            raise InvalidInput(f"there are two limits for {limit.key}", field="limits")
        limits[limit.key] = limit
    return in_order(limits.values())


def check_number(limits: Collection[object]) -> None:
    """Raise ``InvalidInput`` for more limits than a budget may have."""
    if len(limits) > LIMITS_MAX:
        raise InvalidInput(f"a budget has at most {LIMITS_MAX} limits", field="limits")


def in_order(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """The budget's own amount first, then by key."""
    return tuple(sorted(limits, key=lambda limit: (limit.key != AMOUNT_LIMIT, limit.key)))


def _limit(budget_uid: str, thresholds_ppm: tuple[int, ...], spec: LimitSpec) -> Limit:
    window = spec.window or _DEFAULT.get(spec.meter)
    if window not in _PAIRS[spec.meter]:
        words = (
            ", ".join(sorted(kind.value for kind in _PAIRS[spec.meter] if kind is not None)) or "no window"
        )
        raise InvalidInput(
            f"a limit on {spec.meter.value} goes with {words}, not with {window and window.value}",
            field="limits",
        )
    if spec.amount < 0:
        raise InvalidInput("a limit's amount must not be negative", field="limits")
    if spec.amount > NANO_MAX:
        raise OutOfRange("a limit's amount does not fit into 64 bits", field="limits")
    if spec.resource is not None and not _RESOURCE.fullmatch(spec.resource):
        text = "a limit's resource has 1 to 64 letters, digits, dots, dashes and underscores"
        raise InvalidInput(text, field="limits")
    if spec.meter is Meter.LEVEL and spec.resource is None:
        raise InvalidInput("a limit on LEVEL names its resource, for instance agents", field="limits")
    if spec.each is not None and spec.each not in MEMBER_FACT:
        words = ", ".join(MEMBER_FACT)
        raise InvalidInput(f"a limit may be for each of {words}, not of {spec.each}", field="limits")
    key = key_of(spec.meter, window, spec.resource, spec.each)
    return Limit(
        f"{budget_uid}#{key}",
        budget_uid,
        key,
        spec.meter,
        window,
        spec.amount,
        spec.enforcement,
        spec.resource,
        spec.each,
        thresholds_ppm,
        throttle=_throttle(spec),
    )


def _throttle(spec: LimitSpec) -> Throttle | None:
    throttle = spec.throttle
    if throttle is None:
        return None
    if spec.enforcement is not Enforcement.THROTTLE:
        raise InvalidInput("only a THROTTLE limit has a throttle's start, shape and delay", field="limits")
    if not 0 <= throttle.start_ppm < PPM:
        raise InvalidInput("a throttle starts at 0 to less than 1", field="limits")
    if not SHAPE_MILLI_MIN <= throttle.shape_milli <= SHAPE_MILLI_MAX:
        raise InvalidInput("a throttle's shape is 0.1 to 10", field="limits")
    if not 0 < throttle.max_delay_ms <= DELAY_MS_MAX:
        raise InvalidInput(f"a throttle delays 1 to {DELAY_MS_MAX} ms at most", field="limits")
    return throttle


def key_of(meter: Meter, window: WindowKind | None, resource: str | None, each: str | None) -> str:
    """What tells a limit from the others of its budget. Without a window it is the meter's usual one."""
    window = window or _DEFAULT.get(meter)
    parts = (meter.value, None if window is None else window.value, resource, each)
    return "/".join(part or "" for part in parts).rstrip("/")


def thresholds(warning_threshold_ppm: int, further: Iterable[Threshold] = ()) -> tuple[int, ...]:
    """At which utilisations a limit tells, ascending; the limit itself is the last one."""
    return tuple(sorted({warning_threshold_ppm, EXCEEDED_PPM, *(each.at_ppm for each in further)}))


def check_thresholds(further: Sequence[Threshold], cool_down_seconds: int) -> None:
    """Raise ``InvalidInput`` for thresholds that make no sense."""
    if len(further) > THRESHOLDS_MAX:
        raise InvalidInput(f"a budget has at most {THRESHOLDS_MAX} further thresholds", field="thresholds")
    if len({each.at_ppm for each in further}) < len(further):
        raise InvalidInput("two thresholds are of the same height", field="thresholds")
    for at_ppm, hysteresis_ppm in further:
        if not 0 < at_ppm <= PPM:
            raise InvalidInput("a threshold is above 0 and at most 1", field="thresholds")
        if hysteresis_ppm is not None and not 0 <= hysteresis_ppm < at_ppm:
            raise InvalidInput("a hysteresis is 0 to less than its threshold", field="thresholds")
    if not 0 <= cool_down_seconds <= COOL_DOWN_SECONDS_MAX:
        text = f"cool_down_seconds must be 0 to {COOL_DOWN_SECONDS_MAX}"
        raise InvalidInput(text, field="cool_down_seconds")

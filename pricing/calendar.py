"""Civil time: calendar windows and buckets of a time zone, on instants in UTC microseconds.

An *instant* is an ``int`` of microseconds since 1970-01-01T00:00Z, of the years 1970 to 2199. A *window*
is half-open, ``[start_us, end_us)``. The windows of one unit and zone lie edge to edge, without gap or
overlap, whatever the clocks do there:

- A **day** begins at the first instant at which its midnight is reached or passed: where clocks jump over
  midnight, at the jump; where midnight comes twice, at the first. So a day lasts 23, 24 or 25 hours, and a
  date that a zone skipped (Apia, 30 December 2011) has no window. Weeks (ISO, from Monday), months,
  quarters and years begin with their first day.
- An **hour** (or minute) is one of the local clock, so that it begins at :15 UTC in Kathmandu. It is cut
  where the clock is set: an hour that comes twice is two windows, half an hour that is skipped is missing
  from its window.

A *day number* is the local date as days since 1970-01-01.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from pricing.errors import InstantOutOfRange, UnknownTimezone

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
INSTANT_MAX_US = 7_258_118_400 * SECOND_US  # 2200-01-01T00:00Z; instants are below it

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_NAME_MAX = 64
_SLOTS_MAX = 50_000


class Unit(StrEnum):
    """The calendar units that windows and buckets are made of."""

    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    QUARTER = "QUARTER"
    YEAR = "YEAR"


_CLOCK_UNITS_US = {Unit.MINUTE: MINUTE_US, Unit.HOUR: HOUR_US}

# Plain dictionaries: a lost race costs one repeated computation, never a wrong answer.
_last_window: dict[tuple[Unit, ZoneInfo], tuple[int, int]] = {}
_day_slots: dict[ZoneInfo, dict[int, tuple[int, int, int]]] = {}


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name; one object per name. Raises ``UnknownTimezone``."""
    if name not in _zone_names():
        message = f"unknown time zone {name[:_NAME_MAX]!r}"
        raise UnknownTimezone(message, "timezone")
    return ZoneInfo(name)


def check_instant(instant_us: int, field: str | None = None) -> int:
    """``instant_us`` itself, or ``InstantOutOfRange``."""
    if 0 <= instant_us < INSTANT_MAX_US:
        return instant_us
    message = f"{field or 'instant'} must be in the years 1970 to 2199"
    raise InstantOutOfRange(message, field)


def from_datetime(moment: datetime, field: str | None = None) -> int:
    """The instant of a ``datetime`` with an offset. Raises ``InstantOutOfRange``."""
    if moment.utcoffset() is None:
        message = f"{field or 'instant'} needs an offset from UTC"
        raise InstantOutOfRange(message, field)
    return check_instant((moment - _EPOCH) // _MICROSECOND, field)


def to_datetime(instant_us: int) -> datetime:
    """The instant as a ``datetime`` in UTC."""
    return _EPOCH + timedelta(microseconds=instant_us)


def day_date(day: int) -> date:
    """The date of a day number."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


def date_day(on: date) -> int:
    """The day number of a date."""
    return on.toordinal() - _EPOCH_ORDINAL


def offset_us(instant_us: int, zone: ZoneInfo) -> int:
    """Local clock minus UTC at that instant, in microseconds."""
    local = to_datetime(instant_us).astimezone(zone)
    return (local.utcoffset() or timedelta()) // _MICROSECOND


@lru_cache(maxsize=65_536)
def day_start_us(day: int, zone: ZoneInfo) -> int:
    """The instant at which a local date begins (see the module's docstring)."""
    midnight = datetime.combine(day_date(day), datetime.min.time(), zone)
    # fold=0 takes the first of two midnights; where there is none, it reads the clock as before the jump.
    start_us = (midnight.astimezone(UTC) - _EPOCH) // _MICROSECOND
    after_us = (midnight.replace(fold=1).astimezone(UTC) - _EPOCH) // _MICROSECOND
    if after_us >= start_us:
        return start_us
    # No such midnight: the day begins with the jump, which lies in (after_us, start_us].
    return _transition_us(after_us, start_us, zone)


def day_number(instant_us: int, zone: ZoneInfo) -> int:
    """The local date as days since 1970-01-01. Raises ``InstantOutOfRange``.

    About 0.2 µs where the UTC hour was seen before: a slot keeps (edge, day before it, day from it on),
    and a UTC hour holds at most one beginning of a local day.
    """
    slots = _day_slots.get(zone)
    if slots is not None:
        slot = slots.get(instant_us // HOUR_US)
        if slot is not None:
            return slot[1] if instant_us < slot[0] else slot[2]
    return _learn_slot(check_instant(instant_us), zone)


def bounds(unit: Unit, instant_us: int, zone: ZoneInfo) -> tuple[int, int]:
    """The window ``[start_us, end_us)`` that holds the instant. Raises ``InstantOutOfRange``."""
    check_instant(instant_us)
    key = (unit, zone)
    window = _last_window.get(key)
    if window is None or not window[0] <= instant_us < window[1]:
        if unit in _CLOCK_UNITS_US:
            window = _clock_bounds(_CLOCK_UNITS_US[unit], instant_us, zone)
        else:
            first, following = _day_span(unit, day_number(instant_us, zone))
            window = (day_start_us(first, zone), day_start_us(following, zone))
        _last_window[key] = window
    return window


def on_edge(unit: Unit, instant_us: int, zone: ZoneInfo) -> bool:
    """Whether a window of that unit begins at the instant. Raises ``InstantOutOfRange``."""
    return bounds(unit, instant_us, zone)[0] == instant_us


def iterate(unit: Unit, from_us: int, to_us: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Whole windows, in order: from the one that holds ``from_us``, while they begin before ``to_us``."""
    at_us = from_us
    while at_us < to_us:
        window = bounds(unit, at_us, zone)
        yield window
        at_us = window[1]


def _day_span(unit: Unit, day: int) -> tuple[int, int]:
    """First day of the unit that holds ``day``, and first day of the next."""
    on = day_date(day)
    match unit:
        case Unit.WEEK:
            first = day - on.weekday()
            return first, first + 7
        case Unit.MONTH:
            months = 1
        case Unit.QUARTER:
            months = 3
        case Unit.YEAR:
            months = 12
        case _:
            return day, day + 1
    index = (on.year * 12 + on.month - 1) // months * months
    following = index + months
    return (
        date_day(date(index // 12, index % 12 + 1, 1)),
        date_day(date(following // 12, following % 12 + 1, 1)),
    )


def _clock_bounds(length_us: int, instant_us: int, zone: ZoneInfo) -> tuple[int, int]:
    offset = offset_us(instant_us, zone)
    start_us = (instant_us + offset) // length_us * length_us - offset
    end_us = start_us + length_us
    if offset_us(start_us, zone) != offset:
        start_us = _transition_us(start_us, instant_us, zone)
    if offset_us(end_us - 1, zone) != offset:
        end_us = _transition_us(instant_us, end_us - 1, zone)
    return start_us, end_us


def _transition_us(before_us: int, after_us: int, zone: ZoneInfo) -> int:
    """The instant in ``(before_us, after_us]`` at which the clock is set; the two ends differ in offset."""
    old = offset_us(before_us, zone)
    while after_us - before_us > 1:
        middle_us = (before_us + after_us) // 2
        if offset_us(middle_us, zone) == old:
            before_us = middle_us
        else:
            after_us = middle_us
    return after_us


def _day_at(instant_us: int, zone: ZoneInfo) -> int:
    day = date_day(to_datetime(instant_us).astimezone(zone).date())
    # Where midnight comes twice, the clock shows the old date again although the new day has begun.
    while instant_us >= day_start_us(day + 1, zone):
        day += 1
    return day


def _learn_slot(instant_us: int, zone: ZoneInfo) -> int:
    index = instant_us // HOUR_US
    start_us = index * HOUR_US
    before = _day_at(start_us, zone)
    after = _day_at(start_us + HOUR_US - 1, zone)
    slots = _day_slots.setdefault(zone, {})
    if len(slots) >= _SLOTS_MAX:
        slots.clear()
    slots[index] = (day_start_us(after, zone), before, after)
    return before if instant_us < slots[index][0] else after

"""Civil time against naive arithmetic on zoneinfo, in zones whose clocks misbehave."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing import calendar as civil
from pricing.calendar import DAY_US, HOUR_US, MINUTE_US, Unit
from pricing.errors import InstantOutOfRange, UnknownTimezone

ZONES = [
    "UTC",
    "America/New_York",
    "America/St_Johns",  # clocks were set at 00:01: midnight came twice
    "America/Sao_Paulo",  # clocks jumped over midnight
    "America/Asuncion",
    "America/Scoresbysund",
    "Europe/Berlin",
    "Europe/London",
    "Africa/Casablanca",  # the clock goes back for Ramadan
    "Africa/Cairo",
    "Asia/Kathmandu",  # :45
    "Asia/Kolkata",
    "Asia/Tehran",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Amman",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Pacific/Apia",  # 30 December 2011 was skipped
    "Pacific/Chatham",
    "Pacific/Kwajalein",  # 21 August 1993 was skipped
    "Atlantic/Azores",
    "Antarctica/Troll",  # two hours
]
zones = st.sampled_from(ZONES).map(civil.zone)
units = st.sampled_from(Unit)


def _transitions(zone: ZoneInfo) -> list[int]:
    """Every instant, to the hour, near which the zone's clock was set from 1973 to 2040."""
    found: list[int] = []
    step_us = 5 * DAY_US
    at_us = 3 * 366 * DAY_US
    while at_us < 70 * 365 * DAY_US:
        if civil.offset_us(at_us, zone) != civil.offset_us(at_us + step_us, zone):
            hours = range(at_us, at_us + step_us, HOUR_US)
            found += [t for t in hours if civil.offset_us(t, zone) != civil.offset_us(t + HOUR_US, zone)]
        at_us += step_us
    return found


TRANSITIONS = {name: _transitions(civil.zone(name)) or [0] for name in ZONES}


@st.composite
def moments(draw: st.DrawFn) -> tuple[int, ZoneInfo]:
    """An instant and a zone; half of the instants lie within a day of a change of that zone's clock."""
    zone = draw(zones)
    if draw(st.booleans()):
        near_us = draw(st.sampled_from(TRANSITIONS[zone.key]))
        return max(
            0, near_us + draw(st.integers(-26 * 60, 26 * 60)) * MINUTE_US + draw(st.integers(0, 5))
        ), zone
    return draw(st.integers(0, civil.INSTANT_MAX_US - 1)), zone


def local(instant_us: int, zone: ZoneInfo) -> datetime:
    """The naive wall clock."""
    return civil.to_datetime(instant_us).astimezone(zone).replace(tzinfo=None)


def us(text: str) -> int:
    """The instant of an ISO 8601 text."""
    return civil.from_datetime(datetime.fromisoformat(text))


def utc(instant_us: int) -> str:
    """The instant as a short ISO 8601 text."""
    return civil.to_datetime(instant_us).strftime("%Y-%m-%dT%H:%M")


@given(moments(), units)
def test_windows_lie_edge_to_edge_and_hold_their_instants(moment: tuple[int, ZoneInfo], unit: Unit) -> None:
    instant_us, zone = moment
    start_us, end_us = civil.bounds(unit, instant_us, zone)
    assert start_us <= instant_us < end_us
    assert civil.bounds(unit, max(0, start_us), zone) == (start_us, end_us)
    assert civil.bounds(unit, min(end_us, civil.INSTANT_MAX_US) - 1, zone) == (start_us, end_us)
    if end_us < civil.INSTANT_MAX_US:
        assert civil.bounds(unit, end_us, zone)[0] == end_us
        assert civil.on_edge(unit, end_us, zone)
    if start_us > 0:
        assert civil.bounds(unit, start_us - 1, zone)[1] == start_us
    assert civil.on_edge(unit, instant_us, zone) == (instant_us == start_us)


@given(moments())
def test_a_day_begins_when_its_midnight_is_first_reached_or_passed(moment: tuple[int, ZoneInfo]) -> None:
    instant_us, zone = moment
    day = civil.day_number(instant_us, zone)
    midnight = datetime.combine(civil.day_date(day), datetime.min.time())
    naive_us = (midnight.replace(tzinfo=UTC) - civil.to_datetime(0)) // timedelta(microseconds=1)
    search = range(naive_us - 27 * HOUR_US, naive_us + 27 * HOUR_US, MINUTE_US)
    first_us = next(t for t in search if local(t, zone) >= midnight)
    # Liberia left its 44 min 30 s in 1972; no zone of the list has seconds after 1970.
    assert civil.day_start_us(day, zone) == first_us
    assert first_us <= instant_us < civil.day_start_us(day + 1, zone)


@given(moments())
def test_a_day_number_is_the_local_date_except_where_midnight_comes_twice(
    moment: tuple[int, ZoneInfo],
) -> None:
    instant_us, zone = moment
    naive = civil.date_day(local(instant_us, zone).date())
    number = civil.day_number(instant_us, zone)
    assert number == civil.day_number(instant_us, zone), "learnt and looked up"
    if number != naive:
        assert number == naive + 1
        midnight = datetime.combine(civil.day_date(number), datetime.min.time(), zone)
        assert midnight.utcoffset() != midnight.replace(fold=1).utcoffset()


@given(moments(), st.sampled_from([Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.QUARTER, Unit.YEAR]))
def test_longer_windows_begin_on_their_first_date(moment: tuple[int, ZoneInfo], unit: Unit) -> None:
    instant_us, zone = moment
    on = civil.day_date(civil.day_number(instant_us, zone))
    first = {
        Unit.DAY: on,
        Unit.WEEK: on - timedelta(days=on.isocalendar().weekday - 1),
        Unit.MONTH: on.replace(day=1),
        Unit.QUARTER: date(on.year, (on.month - 1) // 3 * 3 + 1, 1),
        Unit.YEAR: date(on.year, 1, 1),
    }[unit]
    after = {
        Unit.DAY: first + timedelta(days=1),
        Unit.WEEK: first + timedelta(days=7),
        Unit.MONTH: (first + timedelta(days=31)).replace(day=1),
        Unit.QUARTER: (first + timedelta(days=95)).replace(day=1),
        Unit.YEAR: date(first.year + 1, 1, 1),
    }[unit]
    start_us, end_us = civil.bounds(unit, instant_us, zone)
    assert start_us == civil.day_start_us(civil.date_day(first), zone)
    assert end_us == civil.day_start_us(civil.date_day(after), zone)


@given(moments(), st.sampled_from([Unit.MINUTE, Unit.HOUR]))
def test_an_hour_shows_one_local_hour_on_one_setting_of_the_clock(
    moment: tuple[int, ZoneInfo], unit: Unit
) -> None:
    instant_us, zone = moment
    length_us = HOUR_US if unit is Unit.HOUR else MINUTE_US
    start_us, end_us = civil.bounds(unit, instant_us, zone)
    last_us = end_us - 1
    for at_us in (start_us, last_us):
        assert civil.offset_us(at_us, zone) == civil.offset_us(instant_us, zone)
        assert local(at_us, zone).hour == local(instant_us, zone).hour
    assert end_us - start_us <= length_us
    for edge_us, other_us in ((start_us, start_us - 1), (end_us, last_us)):
        clock_was_set = civil.offset_us(edge_us, zone) != civil.offset_us(other_us, zone)
        assert clock_was_set or local(edge_us, zone) == local(edge_us, zone).replace(
            minute=0 if unit is Unit.HOUR else local(edge_us, zone).minute, second=0, microsecond=0
        )


@given(moments(), units, st.integers(0, 40))
def test_iteration_yields_every_window_once(moment: tuple[int, ZoneInfo], unit: Unit, count: int) -> None:
    from_us, zone = moment
    expected: list[tuple[int, int]] = []
    at_us = from_us
    while len(expected) < count and at_us < civil.INSTANT_MAX_US:
        expected.append(civil.bounds(unit, at_us, zone))
        at_us = expected[-1][1]
    to_us = max(expected[-1][0], from_us) + 1 if expected else from_us
    assert list(civil.iterate(unit, from_us, to_us, zone)) == expected


@pytest.mark.parametrize(
    ("unit", "instant", "name", "start", "end"),
    [
        (
            Unit.DAY,
            "2024-03-10T12:00Z",
            "America/New_York",
            "2024-03-10T05:00",
            "2024-03-11T04:00",
        ),  # 23 hours
        (
            Unit.DAY,
            "2024-11-03T12:00Z",
            "America/New_York",
            "2024-11-03T04:00",
            "2024-11-04T05:00",
        ),  # 25 hours
        (
            Unit.DAY,
            "2017-10-15T12:00Z",
            "America/Sao_Paulo",
            "2017-10-15T03:00",
            "2017-10-16T02:00",
        ),  # from 01:00
        (
            Unit.DAY,
            "2018-02-17T12:00Z",
            "America/Sao_Paulo",
            "2018-02-17T02:00",
            "2018-02-18T03:00",
        ),  # 23 h twice
        (Unit.DAY, "2011-12-30T09:00Z", "Pacific/Apia", "2011-12-29T10:00", "2011-12-30T10:00"),
        (Unit.DAY, "2011-12-30T10:00Z", "Pacific/Apia", "2011-12-30T10:00", "2011-12-31T10:00"),  # the 31st
        (Unit.DAY, "2024-07-01T00:00Z", "Asia/Kathmandu", "2024-06-30T18:15", "2024-07-01T18:15"),
        (Unit.HOUR, "2024-07-01T00:00Z", "Asia/Kathmandu", "2024-06-30T23:15", "2024-07-01T00:15"),
        (Unit.HOUR, "2024-04-06T14:45Z", "Australia/Lord_Howe", "2024-04-06T14:00", "2024-04-06T15:00"),
        (
            Unit.HOUR,
            "2024-04-06T15:10Z",
            "Australia/Lord_Howe",
            "2024-04-06T15:00",
            "2024-04-06T15:30",
        ),  # again 01:30
        (
            Unit.HOUR,
            "2024-10-05T15:45Z",
            "Australia/Lord_Howe",
            "2024-10-05T15:30",
            "2024-10-05T16:00",
        ),  # from 02:30
        (
            Unit.HOUR,
            "2024-11-03T05:30Z",
            "America/New_York",
            "2024-11-03T05:00",
            "2024-11-03T06:00",
        ),  # first 01:00
        (
            Unit.HOUR,
            "2024-11-03T06:30Z",
            "America/New_York",
            "2024-11-03T06:00",
            "2024-11-03T07:00",
        ),  # second 01:00
        (Unit.WEEK, "2024-12-31T12:00Z", "UTC", "2024-12-30T00:00", "2025-01-06T00:00"),
        (Unit.MONTH, "2024-02-29T23:30Z", "Europe/Berlin", "2024-02-29T23:00", "2024-03-31T22:00"),
        (Unit.QUARTER, "2024-11-15T00:00Z", "Europe/Berlin", "2024-09-30T22:00", "2024-12-31T23:00"),
        (Unit.YEAR, "2024-12-31T23:30Z", "Europe/Berlin", "2024-12-31T23:00", "2025-12-31T23:00"),
        (Unit.MINUTE, "2024-12-31T23:59:59.999999Z", "UTC", "2024-12-31T23:59", "2025-01-01T00:00"),
    ],
)
def test_known_windows(unit: Unit, instant: str, name: str, start: str, end: str) -> None:
    window = civil.bounds(unit, us(instant), civil.zone(name))
    assert tuple(map(utc, window)) == (start, end)


def test_a_skipped_date_has_no_window() -> None:
    apia = civil.zone("Pacific/Apia")
    days = [civil.day_number(start, apia) for start, _ in civil.iterate(
        Unit.DAY, us("2011-12-28T12:00Z"), us("2012-01-01T12:00Z"), apia
    )]  # fmt: skip
    assert [civil.day_date(day).isoformat() for day in days] == [
        "2011-12-28",
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
        "2012-01-02",
    ]


def test_a_date_that_begins_twice_begins_once() -> None:
    st_johns = civil.zone("America/St_Johns")
    # 29 October 2006: at 00:01 the clock went back to 23:01 of the 28th.
    first, _ = civil.bounds(Unit.DAY, us("2006-10-29T12:00Z"), st_johns)
    assert utc(first) == "2006-10-29T02:30"
    again = us("2006-10-29T03:00Z")
    assert local(again, st_johns).isoformat() == "2006-10-28T23:30:00"
    assert civil.day_date(civil.day_number(again, st_johns)).isoformat() == "2006-10-29"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Mars/Olympus",
        "europe/berlin",
        "../etc/passwd",
        "/etc/localtime",
        "Europe",
        "right/UTC",
        "x" * 5000,
    ],
)
def test_an_unknown_zone_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(UnknownTimezone) as caught:
        civil.zone(name)
    assert (caught.value.code, caught.value.field) == ("INVALID", "timezone")
    assert len(caught.value.message) < 120


@pytest.mark.parametrize("instant_us", [-1, civil.INSTANT_MAX_US, 10**30])
def test_instants_outside_1970_to_2199_are_refused(instant_us: int) -> None:
    new_york = civil.zone("America/New_York")
    for unit in Unit:
        with pytest.raises(InstantOutOfRange):
            civil.bounds(unit, instant_us, new_york)
    with pytest.raises(InstantOutOfRange):
        civil.day_number(instant_us, new_york)
    with pytest.raises(InstantOutOfRange) as caught:
        civil.check_instant(instant_us, "timestamp")
    assert caught.value.field == "timestamp"


def test_a_civil_time_needs_an_offset() -> None:
    with pytest.raises(InstantOutOfRange, match="timestamp needs an offset"):
        civil.from_datetime(datetime(2024, 1, 1), "timestamp")  # noqa: DTZ001 - the naive one is the case
    with pytest.raises(InstantOutOfRange):
        civil.from_datetime(datetime(1969, 12, 31, tzinfo=UTC))
    with pytest.raises(InstantOutOfRange):
        civil.from_datetime(datetime(2200, 1, 1, tzinfo=UTC))


@given(st.integers(0, civil.INSTANT_MAX_US - 1))
def test_an_instant_survives_the_way_through_datetime(instant_us: int) -> None:
    assert civil.from_datetime(civil.to_datetime(instant_us)) == instant_us

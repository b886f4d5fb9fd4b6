"""What was agreed for budgets' months, as it was said and when; and what it makes of the months' sums.

Nothing is overwritten: a change of an agreement is a :class:`Agreed` with the next number, which holds from
its first month on; the months before stay under what held for them. Ending one is a change, too.

The lines of a month depend on the months before it alone through what is left of credits. So they are worked
out month by month from the first one on, always the same from the same sums: what is booked at a month's
close, or when usage comes late, is the difference between these lines and those that were booked.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from pricing.calendar import Unit, bounds, date_day, day_start_us, to_datetime, zone
from pricing.errors import InvalidRate
from pricing.volume import NO_TERMS, Adjustment, LineKind, MonthSums, Terms, settle

AGREEMENT: Final = "agreement"
"""The price source of what an agreement books, and the category of what it is booked as."""
MONTH: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
NO_SUMS: Final = MonthSums()


class Month(NamedTuple):
    """A calendar month in some time zone, [start_us, end_us)."""

    key: str
    """``2026-11``: keys sort as months do."""
    start_us: int
    end_us: int


class Agreed(NamedTuple):
    """One version of an agreement, with who wrote it and when."""

    agreement_id: str
    number: int
    budget_uid: str
    terms: Terms
    from_month: str
    """The first month that it holds for."""
    to_month: str | None = None
    """The first month that it holds for no more."""
    timezone: str = "UTC"
    """Where its months begin; the same in every version."""
    withdrawn: bool = False
    """Whether nothing is agreed from ``from_month`` on."""
    author: str | None = None
    recorded_at_us: int = 0
    reason: str | None = None


class Settled(NamedTuple):
    """A month as its agreement makes it."""

    key: str
    sums: MonthSums
    lines: Sequence[Adjustment]


def month_at(at_us: int, timezone: str) -> Month:
    """The month that holds an instant. Raises ``InstantOutOfRange``."""
    where = zone(timezone)
    start_us, end_us = bounds(Unit.MONTH, at_us, where)
    return Month(to_datetime(start_us).astimezone(where).strftime("%Y-%m"), start_us, end_us)


@lru_cache(maxsize=4_096)
def month_named(key: str, timezone: str) -> Month:
    """A month by its key. Raises ``InvalidRate``."""
    if not MONTH.fullmatch(key) or not "1970-02" <= key < "2199-12":
        raise InvalidRate(f"{key} is no month such as 2026-11", "month")
    first = date_day(date.fromisoformat(f"{key}-01"))
    return month_at(day_start_us(first, zone(timezone)), timezone)


def month_after(month: Month, timezone: str) -> Month:
    """The next month."""
    return month_at(month.end_us, timezone)


def months_between(first: str, last: str, timezone: str) -> Iterator[Month]:
    """The months from one on, up to and with another."""
    month = month_named(first, timezone)
    while month.key <= last:
        yield month
        month = month_after(month, timezone)


class Agreements:
    """All versions of an organisation's agreements. Not thread-safe while it is added to."""

    def __init__(self) -> None:
        self._versions: dict[str, list[Agreed]] = {}
        self._of: dict[str, list[str]] = {}
        self._latest: dict[str, Month] = {}
        """The month that was last asked for, by time zone."""

    def __bool__(self) -> bool:
        """Whether anything was ever agreed."""
        return bool(self._versions)

    def put(self, agreed: Agreed) -> None:
        """Add the next version of an agreement."""
        versions = self._versions.setdefault(agreed.agreement_id, [])
        if versions and versions[-1].number >= agreed.number:
            return  # read once more
        if not versions:
            self._of.setdefault(agreed.budget_uid, []).append(agreed.agreement_id)
        versions.append(agreed)

    def versions(self, agreement_id: str) -> Sequence[Agreed]:
        """Every version of an agreement, the first one first; none where there is no such agreement."""
        return self._versions.get(agreement_id, ())

    def newest(self) -> Iterator[Agreed]:
        """The newest version of every agreement, by id."""
        for agreement_id in sorted(self._versions):
            yield self._versions[agreement_id][-1]

    def of_budget(self, budget_uid: str) -> Iterator[Sequence[Agreed]]:
        """The versions of each agreement of a budget."""
        for agreement_id in self._of.get(budget_uid, ()):
            yield self._versions[agreement_id]

    def month_at(self, at_us: int, timezone: str) -> Month:
        """The month that holds an instant: mostly the one of the last charge."""
        month = self._latest.get(timezone)
        if month is None or not month.start_us <= at_us < month.end_us:
            month = self._latest[timezone] = month_at(at_us, timezone)
        return month

    def copy(self) -> "Agreements":
        """The same, to be added to apart."""
        twin = Agreements()
        twin._versions = {agreement_id: list(each) for agreement_id, each in self._versions.items()}
        twin._of = {budget_uid: list(each) for budget_uid, each in self._of.items()}
        return twin


def first_month(versions: Sequence[Agreed]) -> str:
    """The first month that was ever agreed for: from then on months are summed up."""
    return min(each.from_month for each in versions)


def agreed_in(versions: Sequence[Agreed], key: str) -> Agreed | None:
    """The version that holds for a month: the newest of those that begin by then."""
    held = next((each for each in reversed(versions) if each.from_month <= key), None)
    if held is None or held.withdrawn or (held.to_month is not None and key >= held.to_month):
        return None
    return held


def settle_months(
    versions: Sequence[Agreed],
    sums: Mapping[str, MonthSums],
    through: str,
    closed: Callable[[str], bool],
) -> list[Settled]:
    """Every month from the first one to ``through``, with its lines; ``closed`` says which are over."""
    used, found = dict[str, int](), list[Settled]()
    timezone = versions[0].timezone
    for month in months_between(first_month(versions), through, timezone):
        held = agreed_in(versions, month.key)
        terms = NO_TERMS if held is None else _with_used(held.terms, used)
        month_sums = sums.get(month.key, NO_SUMS)
        lines = settle(terms, month_sums, closed=closed(month.key))
        for line in lines:
            if line.kind is LineKind.CREDIT:
                used[line.term_id] = used.get(line.term_id, 0) - line.effective_nano
        found.append(Settled(month.key, month_sums, lines))
    return found


def _with_used(terms: Terms, used: Mapping[str, int]) -> Terms:
    """The terms with what the months before used of credits; an amount that was lowered is used up."""
    if not terms.credits:
        return terms
    left = [
        replace(each, used_nano=min(each.amount_nano, used.get(each.term_id, 0))) for each in terms.credits
    ]
    return replace(terms, credits=left)

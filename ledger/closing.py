"""Closing an agreement's months: what its lines are by now, less what was booked, is booked.

A month is booked as a statement: an operation of its own on the agreement's budget, in the last moment of the
month, whose lines are adjustments. So windows, rollups and checks hold it like any other, and nothing in them
knows of agreements. Closing again books the difference: nothing, where nothing came late.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ledger.agreement_commands import CloseMonths
from ledger.agreements import agreed_month_after, new_month
from ledger.booking import forcing, new_entry
from ledger.changes import Added, AgreementMonth, Statement
from ledger.charge import NOTHING, Amounts, charge, fits
from ledger.errors import InvalidInput, NotFound, OutOfRange
from ledger.model import ChargePath, CostEntry, EntryKind, Pricing, Warning, id_of, uid_of
from ledger.plan import Facts, Plan
from ledger.results import ClosedMonth, MonthsClosed
from ledger.state import TenantState
from pricing.agreements import (
    AGREEMENT,
    Agreed,
    Month,
    agreed_in,
    first_month,
    month_at,
    month_named,
    settle_months,
)
from pricing.quote import Quote
from pricing.units import NO_COUNTS
from pricing.volume import Adjustment, difference

STATEMENT_FACTS: Final[Facts] = {
    "user_id": None,
    "provider": None,
    "model_id": None,
    "agent_id": "",
    "resource": AGREEMENT,
}
"""What limits look at: a statement is nobody's and of no model."""


class _Due(NamedTuple):
    """A month, what is to be booked for it, and where."""

    month: Month
    known: AgreementMonth
    lines: tuple[Adjustment, ...]
    path: ChargePath
    plan: Plan


def close_months(state: TenantState, command: CloseMonths, now_us: int) -> MonthsClosed:
    """Close what is over. Raises ``NotFound``, ``InvalidInput``, ``OutOfRange``; then nothing is booked."""
    versions = state.prices.agreements.versions(command.agreement_id)
    if not versions:
        raise NotFound(f"There is no agreement {command.agreement_id}.", field="agreement_id")
    last = versions[-1]
    budget = state.tree.get(last.budget_uid)
    currency = "USD" if budget is None else budget.currency
    through = _through(last, command.month, now_us)
    if through < first_month(versions):
        return MonthsClosed(command.agreement_id, currency, ())
    known = state.months_of_agreement(command.agreement_id)
    due = _due(state, versions, known, through)
    for each in due:
        if not fits(each.plan, Amounts(sum(max(0, line.effective_nano) for line in each.lines))):
            raise OutOfRange("The sum of a budget's window would not fit into 64 bits.", field="month")
    for each in due:
        _book(state, each, agreed_in(versions, each.month.key) or last, currency, now_us)
    following = agreed_month_after(versions, month_named(through, last.timezone))
    if following is not None and following.key not in known:
        # So that somebody looks at it when it is over, even if nothing is charged in it.
        state.put_agreement_month(new_month(state.tenant, last, following))
    months = tuple(ClosedMonth(each.month.key, each.lines) for each in due)
    return MonthsClosed(command.agreement_id, currency, months)


def _through(agreed: Agreed, month: str | None, now_us: int) -> str:
    """The last month to close."""
    running = month_at(now_us, agreed.timezone)
    over = month_at(running.start_us - 1, agreed.timezone).key
    if month is not None and month > over:
        raise InvalidInput(f"{month} is not over yet: it is closed at its end", field="month")
    return over if month is None else month


def _due(
    state: TenantState, versions: Sequence[Agreed], known: Mapping[str, AgreementMonth], through: str
) -> list[_Due]:
    """The months that are closed, or are to be, with what is to be booked for each.

    A month after those asked for that was closed before is looked at, too: late usage may have used up a
    credit that it had been given.
    """
    last = versions[-1]
    closed = {key for key, each in known.items() if each.closed}
    end = max([through, *closed])
    sums = {key: each.sums for key, each in known.items()}
    every = settle_months(versions, sums, end, lambda key: key <= through or key in closed)
    found: list[_Due] = []
    for settled in every:
        month = month_named(settled.key, last.timezone)
        each = known.get(settled.key) or new_month(state.tenant, last, month)
        if not each.closed and settled.key > through:
            continue
        lines = tuple(difference(settled.lines, each.booked))
        if each.closed and not each.due and not lines:
            continue
        path = each.path or state.tree.path(last.budget_uid, STATEMENT_FACTS)
        plan = state.plan(path, STATEMENT_FACTS, month.end_us - 1)
        found.append(_Due(month, each, lines, path, plan))
    return found


def _book(state: TenantState, due: _Due, agreed: Agreed, currency: str, now_us: int) -> None:
    """Book the lines of a month, and note that they are."""
    month, known, lines, path, plan = due
    statement_uid, first_uid = known.statement_uid, known.statement_entry_uid
    if lines:
        at_us = month.end_us - 1
        state.use_path(path)
        if statement_uid is None:
            statement_uid = _free_uid(state, agreed, month)
            first = _entry(state, statement_uid, None, agreed, currency, at_us, now_us)
            first_uid = first.uid
            state.changes.statements.append(Statement(statement_uid, known.uid, path, at_us, first))
        for line in lines:
            entry = _entry(state, statement_uid, line, agreed, currency, at_us, now_us)
            entry = entry._replace(adjusts=first_uid)
            if line.effective_nano:
                warnings: list[Warning] = []
                amounts = Amounts(line.effective_nano)
                entry = forcing(entry, charge(state, plan, amounts, NOTHING, now_us, warnings))
            state.changes.added.append(Added(statement_uid, path, STATEMENT_FACTS, entry))
    state.put_agreement_month(
        replace(
            known,
            booked=tuple(difference((*known.booked, *lines), ())),
            closed=True,
            due=False,
            statement_uid=statement_uid,
            statement_entry_uid=first_uid,
            path=path,
        )
    )


def _entry(
    state: TenantState,
    statement_uid: str,
    line: Adjustment | None,
    agreed: Agreed,
    currency: str,
    at_us: int,
    now_us: int,
) -> CostEntry:
    """An entry of a statement: one line of it, or the first one, which costs nothing."""
    amount_nano = 0 if line is None else line.effective_nano
    quote = Quote(
        Pricing.PRICED,
        currency,
        other_nano=amount_nano,
        total_nano=amount_nano,
        price_source=AGREEMENT,
        price_card=f"{agreed.agreement_id} {agreed.number}",
    )
    kind = EntryKind.USAGE if line is None else EntryKind.ADJUSTMENT
    operation_id = id_of(statement_uid)
    entry = new_entry(state, operation_id, kind, quote, at_us, now_us, NO_COUNTS, operations=0)
    if line is None:
        return entry
    billed_nano = None if line.billed_nano == amount_nano else line.billed_nano
    reason = f"{line.kind.value.lower().replace('_', ' ')}: {line.term_id}"
    return entry._replace(reason=reason, billed_cost_nano=billed_nano)


def _free_uid(state: TenantState, agreed: Agreed, month: Month) -> str:
    """The uid of a month's statement: some caller may have recorded an operation under that name."""
    name = f"{AGREEMENT}/{agreed.agreement_id}/{month.key}"
    while state.operation(uid_of(state.tenant, name)) is not None:
        name += "+"
    return uid_of(state.tenant, name)

"""Agreements: what was said about a budget's months, and what its subtree uses in them.

The months' sums are kept as charges are decided, so an accrual costs no look at the usage; where nothing was
agreed, nothing is added up. What was charged before somebody agreed on it is read from the entries once.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ledger.agreement_commands import PutAgreement, WithdrawAgreement
from ledger.changes import AgreementMonth
from ledger.errors import Conflict, InvalidInput, NotFound
from ledger.model import ChargePath, uid_of
from ledger.state import TenantState
from ledger.windows import AHEAD_MAX_US
from pricing.agreements import (
    AGREEMENT,
    Agreed,
    Month,
    agreed_in,
    first_month,
    month_at,
    month_named,
    months_between,
)
from pricing.calendar import zone
from pricing.errors import PricingError
from pricing.volume import MonthSums

AGREEMENTS_MAX: Final = 2_000
VERSIONS_MAX: Final = 1_000
MONTHS_BACK_MAX: Final = 60
"""How far back something may be agreed: its months are added up from the entries."""
MONTHS_AHEAD_MAX: Final = 240


def put_agreement(state: TenantState, command: PutAgreement, now_us: int) -> Agreed:
    """Agree, or revise. Raises ``Conflict``, ``NotFound``, ``InvalidInput``."""
    agreements = state.prices.agreements
    budget_uid = uid_of(state.tenant, command.budget_id)
    budget = state.tree.get(budget_uid)
    if budget is None:
        raise NotFound(f"There is no budget {command.budget_id}.", field="budget_id")
    versions = agreements.versions(command.agreement_id)
    last = versions[-1] if versions else None
    if command.revise and last is None:
        raise NotFound(f"There is no agreement {command.agreement_id}.", field="agreement_id")
    timezone = command.timezone or (budget.timezone if last is None else last.timezone)
    try:
        zone(timezone)
    except PricingError as error:
        raise InvalidInput(error.message, field="timezone") from error
    if last is not None and (last.budget_uid, last.timezone) != (budget_uid, timezone):
        text = f"Agreement {command.agreement_id} stays with its budget and its time zone."
        raise Conflict(text, field="agreement_id")
    agreed = Agreed(
        command.agreement_id,
        1 if last is None else last.number + 1,
        budget_uid,
        command.terms,
        command.from_month,
        command.to_month,
        timezone,
        author=command.author,
        recorded_at_us=now_us,
        reason=command.reason,
    )
    if last is not None:
        if _content(last) == _content(agreed):
            return last
        if not command.revise:
            raise Conflict(
                f"Agreement {command.agreement_id} exists with other content. "
                "Use updateAgreement to revise it.",
                field="agreement_id",
            )
        if len(versions) >= VERSIONS_MAX:
            raise InvalidInput(f"an agreement has at most {VERSIONS_MAX} versions", field="agreement_id")
    elif sum(1 for _ in agreements.newest()) >= AGREEMENTS_MAX:
        raise InvalidInput(f"there are at most {AGREEMENTS_MAX} agreements", field="agreement_id")
    _check_reach(agreed, now_us)
    return _say(state, versions, agreed, now_us)


def withdraw_agreement(state: TenantState, command: WithdrawAgreement, now_us: int) -> Agreed:
    """End an agreement, by a version that says so. Raises ``NotFound``, ``InvalidInput``."""
    versions = state.prices.agreements.versions(command.agreement_id)
    if not versions:
        raise NotFound(f"There is no agreement {command.agreement_id}.", field="agreement_id")
    last = versions[-1]
    from_month = command.from_month or month_at(now_us, last.timezone).key
    if last.withdrawn and (command.from_month is None or last.from_month == from_month):
        return last
    ended = last._replace(
        number=last.number + 1,
        from_month=from_month,
        to_month=None,
        withdrawn=True,
        author=command.author,
        recorded_at_us=now_us,
        reason=command.reason,
    )
    _check_reach(ended, now_us)
    return _say(state, versions, ended, now_us)


def count_in_agreements(
    state: TenantState, path: ChargePath, at_us: int, cost_nano: int, list_nano: int | None, tokens: int
) -> None:
    """Add what is charged to the months of whatever was agreed for the budgets that pay.

    ``list_nano`` is None where the list says the same. Call it where something is agreed at all.
    """
    agreements = state.prices.agreements
    for budget_uid in path.budget_uids:
        for versions in agreements.of_budget(budget_uid):
            month = agreements.month_at(at_us, versions[-1].timezone)
            if month.key < first_month(versions):
                continue
            known = _month(state, versions[-1], month)
            sums = _plus(known.sums, cost_nano, list_nano, tokens)
            state.put_agreement_month(replace(known, sums=sums, due=True))


def month_uid(tenant: str, agreement_id: str, key: str) -> str:
    """The key of an agreement's month."""
    return f"{tenant}/{agreement_id}@{key}"


def new_month(tenant: str, agreed: Agreed, month: Month) -> AgreementMonth:
    """A month in which nothing was charged yet."""
    uid = month_uid(tenant, agreed.agreement_id, month.key)
    return AgreementMonth(uid, tenant, agreed.agreement_id, month.key, month.end_us)


def _month(state: TenantState, agreed: Agreed, month: Month) -> AgreementMonth:
    """A month as it is. One that is not known began after the agreement, and so empty."""
    known = state.agreement_month(month_uid(state.tenant, agreed.agreement_id, month.key))
    return known or new_month(state.tenant, agreed, month)


def _say(state: TenantState, versions: Sequence[Agreed], agreed: Agreed, now_us: int) -> Agreed:
    """Keep a version, and have the months that it is about added up and looked at again."""
    known = state.months_of_agreement(agreed.agreement_id) if versions else {}
    last = month_at(now_us + AHEAD_MAX_US, agreed.timezone).key
    first = first_month([*versions, agreed])
    missing = [each for each in months_between(first, last, agreed.timezone) if each.key not in known]
    if agreed.from_month > last and agreed.from_month not in known:
        # So that somebody looks at its first month, even if nothing is charged in it.
        missing.append(month_named(agreed.from_month, agreed.timezone))
    spans = [(each.start_us, each.end_us) for each in missing]
    sums = state.reader.month_sums(agreed.budget_uid, spans) if spans else []
    state.put_agreed(agreed)
    for month, used in zip(missing, sums, strict=True):
        all_used = _with_batch(state, agreed.budget_uid, month, used)
        state.put_agreement_month(replace(new_month(state.tenant, agreed, month), sums=all_used))
    for key, month in known.items():
        if key >= agreed.from_month and not month.due:
            state.put_agreement_month(replace(month, due=True))
    return agreed


def _with_batch(state: TenantState, budget_uid: str, month: Month, used: MonthSums) -> MonthSums:
    """What a month used with what this batch has charged, which nobody can read yet."""
    changes = state.changes
    charged = [
        (state.path_at(each.path_uid), each.charged_at_us, each.entry, each.usage.counts.total_tokens)
        for each in changes.operations
    ]
    charged += [
        (
            each.path,
            each.entry.charged_at_us,
            each.entry,
            each.entry.prompt_tokens + each.entry.completion_tokens,
        )
        for each in changes.added
        if each.entry.price_source != AGREEMENT
    ]
    for path, at_us, entry, tokens in charged:
        if budget_uid in path.budget_uids and month.start_us <= at_us < month.end_us:
            cost_nano = 0 if entry is None else entry.total_cost_nano
            listed_nano = None if entry is None else entry.list_cost_nano
            used = _plus(used, cost_nano, listed_nano, tokens)
    return used


def _plus(sums: MonthSums, cost_nano: int, list_nano: int | None, tokens: int) -> MonthSums:
    return MonthSums(
        sums.list_nano + (cost_nano if list_nano is None else list_nano),
        sums.contracted_nano + cost_nano,
        sums.tokens + tokens,
    )


def agreed_month_after(versions: Sequence[Agreed], month: Month) -> Month | None:
    """The next month, if anything is agreed for it."""
    after = month_at(month.end_us, versions[-1].timezone)
    return None if agreed_in(versions, after.key) is None else after


def _check_reach(agreed: Agreed, now_us: int) -> None:
    """Raise ``InvalidInput`` for months that are too far away."""
    now = _number(month_at(now_us, agreed.timezone).key)
    first = _number(agreed.from_month)
    if first < now - MONTHS_BACK_MAX:
        text = f"from_month ({agreed.from_month}) is more than {MONTHS_BACK_MAX} months back"
        raise InvalidInput(text, field="from_month")
    if first > now + MONTHS_AHEAD_MAX:
        text = f"from_month ({agreed.from_month}) is more than {MONTHS_AHEAD_MAX} months ahead"
        raise InvalidInput(text, field="from_month")


def _number(key: str) -> int:
    year, _, month = key.partition("-")
    return int(year) * 12 + int(month)


def _content(agreed: Agreed) -> tuple[object, ...]:
    """What somebody said, without what the ledger noted."""
    plain = agreed._replace(number=0, author=None, recorded_at_us=0, reason=None)
    return tuple(plain)

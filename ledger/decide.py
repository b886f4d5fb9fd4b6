"""The ledger's state machine: commands in, results and changes out. No I/O, no clock of its own."""

from collections.abc import Callable, Sequence
from typing import Any

from ledger.adjust import adjust
from ledger.administer import close_budget, create_budget, increase_limit, move_budget, update_budget
from ledger.agents import register_agent
from ledger.agreement_commands import CloseMonths, PutAgreement, WithdrawAgreement
from ledger.agreements import put_agreement, withdraw_agreement
from ledger.archive import ArchiveUsage
from ledger.archiving import archive
from ledger.audit import (
    on_adjustment,
    on_agreement,
    on_archiving,
    on_budget,
    on_card,
    on_closing,
    on_file,
    on_override,
    on_rates,
    on_repricing,
)
from ledger.closing import close_months
from ledger.commands import (
    Adjust,
    CloseBudget,
    Command,
    CreateBudget,
    Extend,
    IncreaseLimit,
    MoveBudget,
    Record,
    RegisterAgent,
    Release,
    Reserve,
    Settle,
    Stream,
    Sweep,
    TopUp,
    UpdateBudget,
)
from ledger.errors import LedgerError
from ledger.expiry import sweep
from ledger.lease import extend, release
from ledger.model import Agent, Budget, Override
from ledger.override_commands import CreateOverride, RevokeOverride
from ledger.overrides import create_override, revoke_override
from ledger.price_commands import PutExchangeRates, PutPriceFile, PutRateCard, Reprice, WithdrawRateCard
from ledger.rate_cards import put_exchange_rates, put_price_file, put_rate_card, withdraw_rate_card
from ledger.record import record
from ledger.reprice import reprice
from ledger.reserve import reserve
from ledger.results import (
    Adjusted,
    Archived,
    MonthsClosed,
    RatesTaken,
    RecordResult,
    Repriced,
    ReserveResult,
    SettleResult,
    StreamResult,
    Swept,
)
from ledger.settle import settle
from ledger.state import TenantState
from ledger.stream import stream
from ledger.top_up import top_up
from pricing.agreements import Agreed
from pricing.prices import PriceFile, Revision

PriceResult = Revision | RatesTaken | PriceFile | Repriced | Agreed | MonthsClosed
ReservationResult = ReserveResult | SettleResult | StreamResult | Swept
Result = RecordResult | ReservationResult | Adjusted | Budget | Override | Agent | PriceResult | Archived
Answer = Result | LedgerError


def decide(state: TenantState, commands: Sequence[Command], now_us: int) -> list[Answer]:
    """Decide commands one after the other; ``state`` moves along and notes what is to be written.

    A command that is refused fails alone: a handler checks everything before it changes anything.
    Time never goes back: ``now_us`` is raised to the latest time that the ledger has seen.
    """
    now_us = state.head.last_now_us = max(now_us, state.head.last_now_us)
    answers: list[Answer] = []
    for command in commands:
        try:
            answers.append(_HANDLERS[type(command)](state, command, now_us))
        except LedgerError as error:
            answers.append(error)
    return answers


_HANDLERS: dict[type[Any], Callable[[TenantState, Any, int], Result]] = {
    Record: record,
    Reserve: reserve,
    Settle: settle,
    Stream: stream,
    Extend: extend,
    Release: release,
    Sweep: sweep,
    Adjust: on_adjustment(adjust),
    RegisterAgent: register_agent,
    CreateBudget: on_budget("budget.create", create_budget),
    UpdateBudget: on_budget("budget.update", update_budget),
    MoveBudget: on_budget("budget.move", move_budget),
    CloseBudget: on_budget("budget.close", close_budget),
    IncreaseLimit: on_budget("budget.increase_limit", increase_limit),
    CreateOverride: on_override("override.create", create_override),
    RevokeOverride: on_override("override.revoke", revoke_override),
    TopUp: on_budget("budget.top_up", top_up),
    PutRateCard: on_card("rate_card.put", put_rate_card),
    WithdrawRateCard: on_card("rate_card.withdraw", withdraw_rate_card),
    PutExchangeRates: on_rates(put_exchange_rates),
    PutPriceFile: on_file(put_price_file),
    Reprice: on_repricing(reprice),
    PutAgreement: on_agreement("agreement.put", put_agreement),
    WithdrawAgreement: on_agreement("agreement.withdraw", withdraw_agreement),
    CloseMonths: on_closing(close_months),
    ArchiveUsage: on_archiving(archive),
}

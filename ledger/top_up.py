"""Decide top-ups: prepaid credit that a budget gets, or that is taken back."""

from dataclasses import replace

from ledger.administer import open_budget
from ledger.changes import Credit, KnownRequest
from ledger.commands import TopUp
from ledger.errors import Conflict, OutOfRange
from ledger.expiry import expire_overdue
from ledger.limits import in_order
from ledger.model import WALLET_LIMIT, Budget, Limit, Meter, WindowKind
from ledger.state import TenantState
from ledger.wallets import look_at_balance
from ledger.windows import EXCEEDED_PPM
from pricing.money import NANO_MAX, format_nano


def top_up(state: TenantState, command: TopUp, now_us: int) -> Budget:
    """Change the credit of a budget, which gets its wallet with the first. Raises ``LedgerError``."""
    budget = open_budget(state, command.scope_uid, command.budget_id)
    known = state.request(command.request_uid)
    if known is not None:
        if known.fingerprint != command.fingerprint:
            raise Conflict(
                f"Idempotency key {command.idempotency_key} was used for another top-up.",
                field="idempotency_key",
            )
        return budget
    wallet = budget.wallet or _new_wallet(budget, now_us)
    amount = (wallet.amount or 0) + command.amount_nano
    if command.amount_nano < 0:
        _check_available(state, budget, command, now_us)
    if amount > NANO_MAX:
        raise OutOfRange("the credit would not fit into 64 bits", field="amount")
    others = (each for each in budget.limits if each.key != WALLET_LIMIT)
    changed = replace(budget, limits=in_order((*others, replace(wallet, amount=amount))))
    state.put_budget(changed)
    look_at_balance(state, changed, now_us)
    state.put_request(KnownRequest(command.request_uid, command.tenant, command.fingerprint))
    state.changes.credits.append(
        Credit(
            command.tenant,
            budget.uid,
            command.idempotency_key,
            command.amount_nano,
            now_us,
            command.reason,
            command.author,
        )
    )
    return changed


def _new_wallet(budget: Budget, now_us: int) -> Limit:
    return Limit(
        f"{budget.uid}#{WALLET_LIMIT}",
        budget.uid,
        WALLET_LIMIT,
        Meter.COST,
        WindowKind.LIFETIME,
        0,
        thresholds_ppm=(EXCEEDED_PPM,),
        since_us=now_us,
    )


def _check_available(state: TenantState, budget: Budget, command: TopUp, now_us: int) -> None:
    """Only what is neither spent nor held is taken back."""
    wallet = budget.wallet
    available = 0
    if wallet is not None:
        expire_overdue(state, now_us)
        window = state.window(budget, wallet, max(now_us, wallet.since_us))
        used = 0 if window is None else window.spent + window.reserved
        available = max(0, (wallet.amount or 0) - used)
    if available + command.amount_nano < 0:
        asked, left = format_nano(-command.amount_nano), format_nano(available)
        raise Conflict(f"{asked} cannot be taken back: {left} is available.", field="amount")

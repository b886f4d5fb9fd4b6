"""Acts of administration: who did what to what, and how it was before and after.

An act is noted beside the handler that does it, so it is written in the transaction of the act, or not at
all. One that changes nothing leaves no entry. Before and after are JSON in the ledger's own words: amounts as
text, in nano-units; instants in microseconds; fields without a value left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar, cast

import orjson

from ledger.agreement_commands import CloseMonths, PutAgreement, WithdrawAgreement
from ledger.archive import ArchiveUsage
from ledger.changes import AuditEntry
from ledger.commands import Adjust, Administer
from ledger.model import Budget, Override, uid_of
from ledger.override_commands import OverrideCommand
from ledger.price_commands import PutExchangeRates, PutPriceFile, PutRateCard, Reprice, WithdrawRateCard
from ledger.results import Adjusted, Archived, MonthsClosed, RatesTaken, Repriced, RepricedAs
from ledger.state import TenantState
from pricing.agreements import Agreed
from pricing.prices import PriceFile, Revision

C = TypeVar("C")
A = TypeVar("A", bound=Administer)
K = TypeVar("K", PutRateCard, WithdrawRateCard)
G = TypeVar("G", PutAgreement, WithdrawAgreement)
V = TypeVar("V", bound=OverrideCommand)
R = TypeVar("R")
_MONEY: Final = ("_nano", "amount")
"""How fields of amounts end."""

Handler = Callable[[TenantState, C, int], R]


def audit_uid(tenant: str, at_us: int, mark: str) -> str:
    """The key of an entry: in the order of time; ``mark`` tells those of an instant apart."""
    return f"{tenant}/{at_us:016d}/{mark}"


def on_budget(action: str, handle: Handler[A, Budget]) -> Handler[A, Budget]:
    """A handler that changes a budget."""

    def audited(state: TenantState, command: A, now_us: int) -> Budget:
        before = state.tree.get(uid_of(command.tenant, command.budget_id))
        after = handle(state, command, now_us)
        if after != before:
            told = (None if before is None else asdict(before), asdict(after))
            _note(state, now_us, command.author, action, after.budget_id, after.uid, *told)
        return after

    return audited


def on_card(action: str, handle: Handler[K, Revision]) -> Handler[K, Revision]:
    """A handler that adds a version of a rate card."""

    def audited(state: TenantState, command: K, now_us: int) -> Revision:
        count = len(state.changes.cards)
        after = handle(state, command, now_us)
        if len(state.changes.cards) > count:
            card_id = after.card.card_id
            versions = state.prices.revisions(card_id)
            before = _of_card(versions[-2]) if len(versions) > 1 else None
            _note(state, now_us, command.author, action, card_id, after.budget_uid, before, _of_card(after))
        return after

    return audited


def on_rates(handle: Handler[PutExchangeRates, RatesTaken]) -> Handler[PutExchangeRates, RatesTaken]:
    """A handler that adds exchange rates."""

    def audited(state: TenantState, command: PutExchangeRates, now_us: int) -> RatesTaken:
        count = len(state.changes.rates)
        taken = handle(state, command, now_us)
        added = state.changes.rates[count:]
        if added:
            sources = sorted({rate.source for given in added for rate in given.rates})
            subject = sources[0] if len(sources) == 1 else f"{len(sources)} sources"
            _note(state, now_us, command.author, "exchange_rates.add", subject, None, None, asdict(taken))
        return taken

    return audited


def on_file(handle: Handler[PutPriceFile, PriceFile]) -> Handler[PutPriceFile, PriceFile]:
    """A handler that imports a price file: its hash tells what was in it."""

    def audited(state: TenantState, command: PutPriceFile, now_us: int) -> PriceFile:
        files = state.prices.files
        before = files[-1] if files else None
        after = handle(state, command, now_us)
        if after is not before:
            told = (None if before is None else _without_content(before), _without_content(after))
            _note(state, now_us, command.author, "price_file.import", after.kind, None, *told)
        return after

    return audited


def on_adjustment(handle: Handler[Adjust, Adjusted]) -> Handler[Adjust, Adjusted]:
    """A handler that books an adjustment."""

    def audited(state: TenantState, command: Adjust, now_us: int) -> Adjusted:
        answer = handle(state, command, now_us)
        if not answer.duplicate:
            leaf_uid = state.changes.added[-1].path.leaf_uid
            after = answer.entry._asdict() | {"kind": command.kind}
            _note(state, now_us, command.author, "usage.adjust", command.operation_id, leaf_uid, None, after)
        return answer

    return audited


def on_repricing(handle: Handler[Reprice, Repriced]) -> Handler[Reprice, Repriced]:
    """A handler that reprices a page of operations: one entry says how many, and by how much.

    What settles by itself, because its price has come, has no author and is no act of administration.
    """

    def audited(state: TenantState, command: Reprice, now_us: int) -> Repriced:
        answer = handle(state, command, now_us)
        changed = [
            each for each in answer.differences if each.outcome in {RepricedAs.CHANGED, RepricedAs.SETTLED}
        ]
        if changed and not command.dry_run and command.author is not None:
            before: dict[str, int] = {}
            after: dict[str, int] = {}
            for each in changed:
                before[each.currency] = before.get(each.currency, 0) + each.before_nano
                after[each.currency] = after.get(each.currency, 0) + each.after_nano
            told = {"operations": len(changed), "total_cost_nano": after, "reason": command.reason}
            _note(
                state,
                now_us,
                command.author,
                "usage.reprice",
                f"{len(changed)} operations",
                None,
                {"operations": len(changed), "total_cost_nano": before},
                told,
            )
        return answer

    return audited


def on_agreement(action: str, handle: Handler[G, Agreed]) -> Handler[G, Agreed]:
    """A handler that adds a version of an agreement."""

    def audited(state: TenantState, command: G, now_us: int) -> Agreed:
        agreements = state.prices.agreements
        count = len(agreements.versions(command.agreement_id))
        after = handle(state, command, now_us)
        versions = agreements.versions(command.agreement_id)
        if len(versions) > count:
            before = _of_agreed(versions[-2]) if count else None
            subject, budget_uid = after.agreement_id, after.budget_uid
            _note(state, now_us, command.author, action, subject, budget_uid, before, _of_agreed(after))
        return after

    return audited


def on_override(action: str, handle: Handler[V, Override]) -> Handler[V, Override]:
    """A handler that grants an override, or ends one."""

    def audited(state: TenantState, command: V, now_us: int) -> Override:
        before = state.override(uid_of(command.tenant, command.override_id))
        after = handle(state, command, now_us)
        if after != before:
            told = None if before is None else _of_override(before)
            subject, budget_uid = after.override_id, after.budget_uid
            _note(state, now_us, command.author, action, subject, budget_uid, told, _of_override(after))
        return after

    return audited


def on_closing(handle: Handler[CloseMonths, MonthsClosed]) -> Handler[CloseMonths, MonthsClosed]:
    """A handler that closes months; those that close by themselves are no act of administration."""

    def audited(state: TenantState, command: CloseMonths, now_us: int) -> MonthsClosed:
        closed = handle(state, command, now_us)
        if closed.months and command.author is not None:
            agreed = state.prices.agreements.versions(command.agreement_id)[-1]
            months = [
                {"month": month, "lines": [each._asdict() for each in lines]}
                for month, lines in closed.months
            ]
            after = {"currency": closed.currency, "months": months}
            subject, budget_uid = command.agreement_id, agreed.budget_uid
            _note(state, now_us, command.author, "agreement.close", subject, budget_uid, None, after)
        return closed

    return audited


def on_archiving(handle: Handler[ArchiveUsage, Archived]) -> Handler[ArchiveUsage, Archived]:
    """A handler that archives usage; what is archived by itself is no act of administration."""

    def audited(state: TenantState, command: ArchiveUsage, now_us: int) -> Archived:
        answer = handle(state, command, now_us)
        if answer.operations and command.author is not None:
            file = command.file
            after = {
                "operations": answer.operations,
                "file": file.file,
                "sha256": file.sha256,
                "from_us": file.from_us,
                "until_us": file.until_us,
            }
            _note(state, now_us, command.author, "usage.archive", file.archive_id, None, None, after)
        return answer

    return audited


def _note(
    state: TenantState,
    now_us: int,
    author: str | None,
    action: str,
    subject: str,
    budget_uid: str | None,
    before: dict[str, Any] | None,
    after: dict[str, Any],
) -> None:
    # The number of the batch and the place in it: nobody else has them, as the ledger is locked.
    mark = f"{state.head.commits:012d}.{len(state.changes.audit):06d}"
    state.changes.audit.append(
        AuditEntry(
            audit_uid(state.tenant, now_us, mark),
            state.tenant,
            now_us,
            author,
            action,
            subject,
            budget_uid,
            None if before is None else told_as(before),
            told_as(after),
        )
    )


def told_as(fields: dict[str, Any]) -> str:
    """JSON text. What has no value is left out; amounts are text: not everybody reads numbers past 2^53."""
    return orjson.dumps(_told(fields), default=str).decode()


def _told(value: Any, name: str = "") -> Any:
    match value:
        case dict():
            fields = cast("dict[str, Any]", value)
            # Sums of money by currency are named by what holds them.
            return {
                key: _told(each, name if name.endswith(_MONEY) else key)
                for key, each in fields.items()
                if each is not None
            }
        case list() | tuple():
            return [_told(each, name) for each in cast("Sequence[Any]", value)]
        case int() if name.endswith(_MONEY) and not isinstance(value, bool):
            return str(value)
        case _:
            return value


def _of_card(revision: Revision) -> dict[str, Any]:
    return asdict(revision.card) | {
        name: value for name, value in revision._asdict().items() if name != "card"
    }


def _of_agreed(agreed: Agreed) -> dict[str, Any]:
    return agreed._asdict() | {"terms": asdict(agreed.terms)}


def _of_override(override: Override) -> dict[str, Any]:
    return {name: value for name, value in asdict(override).items() if name != "fingerprint"}


def _without_content(file: PriceFile) -> dict[str, Any]:
    return {name: value for name, value in file._asdict().items() if name != "content"}

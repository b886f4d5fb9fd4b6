"""Decide archiving: an operation that still is what its file says becomes a stub."""

from ledger.archive import ArchiveUsage, Claim, RawUsage, kept
from ledger.changes import ArchivedUsage
from ledger.holds import HoldState
from ledger.model import uid_of
from ledger.results import Archived
from ledger.state import TenantState


def archive(state: TenantState, command: ArchiveUsage, now_us: int) -> Archived:
    """Archive what is unchanged since its file was written; the rest is for another file."""
    claims = {each.uid: each for each in command.claims}
    raw = state.reader.raw(claims)
    open_holds = _open_holds(state, raw)
    # What this batch charged so far is in no file.
    charged = {each.usage_uid for each in state.changes.added}
    taken = {usage.uid for each in state.changes.archived for usage in each.usages}
    gone = [
        each
        for each in raw
        if _unchanged(each, claims[each.uid])
        and each.uid not in charged
        and each.uid not in taken
        and kept(each, open_holds, each.seq) is None
    ]
    if gone:
        state.changes.archived.append(ArchivedUsage(state.tenant, command.file, tuple(gone), now_us))
    return Archived(len(gone), len(claims) - len(gone))


def _unchanged(raw: RawUsage, claim: Claim) -> bool:
    return raw.archived is None and raw.claim == claim


def _open_holds(state: TenantState, raw: list[RawUsage]) -> set[str]:
    """The ids of those of the operations' reservations that are open, as this batch left them."""
    uids = {uid_of(state.tenant, each.reservation_id) for each in raw if each.reservation_id is not None}
    found = state.reader.holds(uids) if uids else {}
    now = [state.holds.get(uid) or hold for uid, hold in found.items()]
    return {hold.reservation_id for hold in now if hold.state is HoldState.HELD}

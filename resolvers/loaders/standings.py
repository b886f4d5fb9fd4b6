"""How budgets stand: the windows of all of them, and of the ancestors that are seen, in one query."""

from ledger.windows import current_windows, effective_available, standing_of, windows_before
from resolvers.request import Request
from schema.context import BudgetStanding


async def load_standings(request: Request, uids: list[str]) -> list[BudgetStanding]:
    """The standing of each of some visible budgets, all at one moment."""
    view, now_us = request.view, request.services.clock()
    asked = [budget for uid in uids if (budget := view.get(uid)) is not None]
    lines = {budget.uid: [budget, *view.ancestors(budget)] for budget in asked}
    needed = {budget.uid: budget for line in lines.values() for budget in line}
    window_uids = [window.uid for each in needed.values() for _, window in current_windows(each, now_us)]
    windows = await request.read(request.services.budgets.windows, window_uids)
    # A period that nothing was charged in yet has no window: the ones before tell what it is carried.
    before = [
        uid
        for each in needed.values()
        if each.carry_over_cap_nano is not None and current_windows(each, now_us)[0][1].uid not in windows
        for uid in windows_before(each, now_us)
    ]
    if before:
        windows |= await request.read(request.services.budgets.windows, before)
    standings = {uid: standing_of(budget, windows, now_us) for uid, budget in needed.items()}
    return [
        BudgetStanding(standings[uid], effective_available([standings[each.uid] for each in lines[uid]]))
        for uid in uids
    ]

"""Recounting the books from their entries, without an engine."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.check import Recount
from ledger.model import Meter, Window
from ledger.tree import BudgetTree
from tests.ledger.books import BookDesk
from tests.support.histories import Step, histories, play


def recounted(desk: BookDesk) -> Recount:
    """The books' windows against their operations."""
    tree = BudgetTree(desk.tenant)
    for _, budget in desk.books.budgets.values():
        tree.put(budget)
    recount = Recount(tree, [budget.uid for budget in tree.all()], desk.books.windows.values())
    for operation in desk.books.operations.values():
        cost = 0 if operation.entry is None else operation.entry.total_cost_nano
        tokens = operation.usage.counts.total_tokens
        counts = {Meter.COST: cost, Meter.TOKENS: tokens, Meter.REQUESTS: 1}
        recount.add(desk.books.paths[operation.path_uid], operation.timestamp_us, counts)
    return recount


@given(histories, st.lists(st.integers(1, 9), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_books_agree_with_their_entries_whatever_was_ordered(history: list[Step], sizes: list[int]) -> None:
    desk = BookDesk()
    play(desk, history, sizes)
    assert recounted(desk).mismatches() == []


@given(histories, st.sampled_from(["spent", "missing", "bounds"]))
@settings(max_examples=40, deadline=None)
def test_a_window_that_is_wrong_or_gone_is_found(history: list[Step], how: str) -> None:
    desk = BookDesk()
    play(desk, history, [5])
    live = {window.uid: window for window in desk.windows("unattributed") if window.spent}
    if not live:
        desk.record("one more", 1)
        live = {window.uid: window for window in desk.windows("unattributed")}
    uid, window = min(live.items())
    if how == "missing":
        del desk.books.windows[uid]
    elif how == "spent":
        window.spent += 1
    else:
        window.end_us = 5
    found: list[Window] = [found for _, found in recounted(desk).mismatches()]
    assert [each.uid for each in found] == [uid]

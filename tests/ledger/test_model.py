"""Whatever is ordered in whatever batches: the books are what the accepted operations add up to."""

import random
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.commands import Command
from ledger.decide import Answer
from ledger.model import Window
from ledger.ports import Wanted
from ledger.results import RecordedUsage
from ledger.state import TenantState
from ledger.tree import BudgetTree
from ledger.windows import keyed_span, window_span
from tests.ledger.books import BookDesk, body
from tests.support.histories import Step, creations, histories, modelled, play, records
from tests.support.memory import Books, MemoryTransaction

sizes = st.lists(st.integers(1, 12), min_size=1, max_size=6)


def fresh_state(desk: BookDesk) -> TenantState:
    """What a process would read that has seen nothing yet."""
    transaction = MemoryTransaction(desk.books.copy())
    heads = transaction.lock(["t"], Wanted()).heads
    tree = BudgetTree("t")
    for budget in transaction.budgets("t", -1):
        tree.put(budget)
    return TenantState(heads["t"], tree, transaction)


@given(histories, sizes)
@settings(max_examples=150, deadline=None)
def test_every_window_holds_what_the_accepted_operations_add_up_to(
    history: list[Step], batch_sizes: list[int]
) -> None:
    desk = BookDesk()
    model = modelled(play(desk, history, batch_sizes))
    state = fresh_state(desk)
    instants = {each.at_us for each in model.accepted.values()} | {desk.now_us}
    for budget in state.tree.all():
        for limit in budget.limits:
            for window in desk.windows(budget.budget_id, limit.key):
                span = keyed_span(budget, limit, window.uid.removeprefix(f"{limit.uid}@"))
                if span is not None:
                    assert (window.start_us, window.end_us) == (span.start_us, span.end_us)
                    assert window.spent == model.spent(limit, span)
            for at_us in instants:
                span, seen = window_span(budget, limit, at_us), state.window(budget, limit, at_us)
                assert (span is None) == (seen is None)
                if span is not None and seen is not None:
                    assert seen.spent == model.spent(limit, span), "also where it has yet to be made"


@given(histories, sizes)
@settings(max_examples=80, deadline=None)
def test_the_sequence_has_no_gaps_and_each_event_is_told_once(
    history: list[Step], batch_sizes: list[int]
) -> None:
    desk = BookDesk()
    model = modelled(play(desk, history, batch_sizes))
    if "t" not in desk.books.heads:
        return
    assert desk.books.seqs("t") == list(range(1, desk.books.heads["t"].seq + 1))
    assert set(desk.books.operations) == {f"t/{each}" for each in model.accepted}
    told = [
        (window.limit_uid.partition("#")[0], each)
        for window in desk.books.windows.values()
        for each in window.told
    ]
    said = [(event.budget_uid, round(body(event)["threshold"] * 1_000_000)) for event in desk.books.events]
    assert Counter(said) == Counter(told), "one event for each threshold that a window noted as told"
    for window in desk.books.windows.values():
        assert len(set(window.told)) == len(window.told)


def comparable(books: Books) -> tuple[object, ...]:
    """Everything that does not tell how the commands came in batches."""
    heads = {tenant: (head.seq, head.last_now_us) for tenant, head in books.heads.items()}
    budgets = {uid: budget for uid, (_, budget) in books.budgets.items()}
    return (
        *(heads, budgets, books.agents, books.paths, books.windows),
        *(books.operations, books.entries, books.events),
    )


@given(histories, sizes)
@settings(max_examples=100, deadline=None)
def test_how_commands_come_in_batches_makes_no_difference(
    history: list[Step], batch_sizes: list[int]
) -> None:
    one_by_one, in_batches = BookDesk(), BookDesk()
    expected = play(one_by_one, history, [1])
    found = play(in_batches, history, batch_sizes)
    assert [_told(answer) for _, answer, _ in found] == [_told(answer) for _, answer, _ in expected]
    assert comparable(in_batches.books) == comparable(one_by_one.books)


def _told(answer: Answer) -> object:
    return (type(answer), str(answer)) if isinstance(answer, Exception) else answer


@given(histories, sizes, sizes, st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_repeating_everything_in_any_order_changes_nothing(
    history: list[Step], batch_sizes: list[int], again_sizes: list[int], seed: int
) -> None:
    desk = BookDesk()
    first: dict[str, RecordedUsage] = {}
    commands: list[Command] = []
    for command, answer, _ in play(desk, history, batch_sizes):
        if isinstance(answer, RecordedUsage):
            first.setdefault(answer.operation_id, answer)
            commands.append(command)
    books = desk.books
    random.Random(seed).shuffle(commands)
    while commands:
        size = again_sizes[len(commands) % len(again_sizes)]
        for answer in desk.do(*commands[:size]):
            assert isinstance(answer, RecordedUsage)
            assert answer == replace(first[answer.operation_id], duplicate=True)
        del commands[:size]
    assert desk.books is books, "nothing was written at all"


@given(st.lists(creations, max_size=6), st.lists(records, min_size=1, max_size=40), sizes, st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_recordings_makes_no_difference_to_what_was_spent(
    tree: list[Step], recordings: list[Step], batch_sizes: list[int], rng: random.Random
) -> None:
    unique = list({step[1]["operation_id"]: step for step in recordings}.values())
    shuffled = list(unique)
    rng.shuffle(shuffled)
    books: list[dict[str, tuple[int, int]]] = []
    for order in (unique, shuffled):
        desk = BookDesk()
        play(desk, [*tree, *order], batch_sizes)
        books.append({uid: _figures(window) for uid, window in desk.books.windows.items()})
    assert books[0] == books[1]


def _figures(window: Window) -> tuple[int, int]:
    return window.spent, window.forced

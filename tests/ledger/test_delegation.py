"""Delegated operations: who waits for whom, and which cycles are refused."""

import random

import pytest

from ledger.results import InvalidUsage, RecordedUsage
from tests.ledger.books import BookDesk


def awaited(desk: BookDesk) -> int:
    """How many operations wait, by the ledger's own count, which the books must bear out."""
    head = desk.books.heads[desk.tenant]
    parents = {each.usage.sent.parent_operation_id for each in desk.books.operations.values()} - {None}
    missing = {each for each in parents if each is not None and desk.uid(each) not in desk.books.operations}
    waiting = sum(desk.books.awaited([desk.uid(each) for each in missing]).values())
    assert head.awaited == waiting
    return waiting


def refusal(desk: BookDesk, operation_id: str, parent_id: str) -> InvalidUsage:
    answer = desk.one(desk.usage(operation_id, 1, parent_operation_id=parent_id), InvalidUsage)
    assert desk.uid(operation_id) not in desk.books.operations
    return answer


def test_a_child_of_a_known_operation_waits_for_nobody(desk: BookDesk) -> None:
    desk.record("parent", 1)
    desk.record("child", 1, parent_operation_id="parent")
    assert awaited(desk) == 0


def test_a_child_that_comes_first_waits_until_its_parent_comes(desk: BookDesk) -> None:
    for name in ("one", "other"):
        desk.record(name, 1, parent_operation_id="parent")
    assert awaited(desk) == 2
    desk.record("somebody else", 1)
    assert awaited(desk) == 2
    desk.record("parent", 1)
    assert awaited(desk) == 0


def test_whatever_the_batches_and_the_repeats_nobody_waits_in_the_end(desk: BookDesk) -> None:
    rows = [(f"op{number}", f"op{(number - 1) // 2}" if number else None) for number in range(60)] * 2
    for seed in range(5):
        mixed = BookDesk(tenant=f"t{seed}")
        order = random.Random(seed)
        order.shuffle(rows)
        commands = [mixed.usage(each, 1, parent_operation_id=parent) for each, parent in rows]
        while commands:
            size = order.randrange(1, 9)
            mixed.do(*commands[:size])
            del commands[:size]
            awaited(mixed)
        assert awaited(mixed) == 0


def test_another_process_counts_on_from_there(desk: BookDesk) -> None:
    desk.record("child", 1, parent_operation_id="parent")
    other = BookDesk(desk.store)
    other.record("second child", 1, parent_operation_id="parent")
    desk.record("third child", 1, parent_operation_id="nobody")
    other.record("parent", 1)
    assert awaited(desk) == 1


def test_an_operation_cannot_have_delegated_itself(desk: BookDesk) -> None:
    answer = refusal(desk, "a", "a")
    assert (answer.code, answer.field) == ("CYCLE", "parent_operation_id")


@pytest.mark.parametrize("length", [2, 3, 7])
@pytest.mark.parametrize("in_one_batch", [False, True])
def test_a_cycle_is_refused_where_it_closes(desk: BookDesk, length: int, in_one_batch: bool) -> None:
    names = [f"op{number}" for number in range(length)]
    commands = [
        desk.usage(name, 1, parent_operation_id=names[(number + 1) % length])
        for number, name in enumerate(names)
    ]
    batches = [commands] if in_one_batch else [[command] for command in commands]
    answers = [answer for batch in batches for answer in desk.do(*batch)]
    assert [type(each) for each in answers] == [RecordedUsage] * (length - 1) + [InvalidUsage]
    last = answers[-1]
    assert isinstance(last, InvalidUsage)
    assert last.code == "CYCLE"
    assert awaited(desk) == 1
    desk.record(names[-1], 1)
    assert awaited(desk) == 0


def test_what_only_looks_like_a_cycle_is_recorded(desk: BookDesk) -> None:
    desk.record("leaf", 1, parent_operation_id="middle")
    desk.record("root", 1)
    desk.record("middle", 1, parent_operation_id="root")
    assert awaited(desk) == 0


def test_a_chain_that_is_too_long_to_look_through_is_refused_and_not_followed(desk: BookDesk) -> None:
    desk.record("op0", 1, parent_operation_id="late")
    for number in range(1, 200):
        desk.record(f"op{number}", 1, parent_operation_id=f"op{number - 1}")
    assert refusal(desk, "late", "op199").code == "INVALID"
    assert refusal(desk, "late", "op50").code == "CYCLE"

"""What a window tells: warnings in answers, events once per window, nothing above a key's own budget."""

from typing import Any

import pytest

from ledger.model import BudgetType, Meter, Recurrence, WindowKind
from tests.ledger.books import BookDesk, body
from tests.support.desk import NANO, NOW_US, UNPRICED, codes, limit, usd

MINUTE_US = 60 * 10**6


@pytest.fixture
def acme(desk: BookDesk) -> BookDesk:
    """Platform > project > task, and a stranger's root."""
    desk.create("acme")
    desk.create("web", "acme")
    desk.create("search", "web")
    desk.create("stranger")
    return desk


def with_amount(desk: BookDesk, amount: int, **fields: Any) -> BookDesk:
    """A budget ``b`` of that amount."""
    desk.create("b", amount_nano=amount, **fields)
    return desk


def test_the_warning_is_given_at_exactly_eighty_percent(desk: BookDesk) -> None:
    with_amount(desk, 5 * NANO)
    assert desk.record("a", 4 * NANO - 1, budget_id="b").warnings == ()
    assert desk.events == []
    (warning,) = desk.record("b", 1, budget_id="b").warnings
    assert (warning.code, warning.budget_id) == ("BUDGET_WARNING", "b")
    assert (warning.meter, warning.window) == (Meter.COST, WindowKind.PERIOD)
    assert (warning.limit, warning.spent, warning.reserved) == (5 * NANO, 4 * NANO, 0)
    assert (warning.utilization_ppm, warning.threshold_ppm, warning.late) == (800_000, 800_000, False)
    assert desk.events == [("budget.warning", "b")]


def test_each_event_is_emitted_once_per_window_and_each_answer_says_how_it_stands(desk: BookDesk) -> None:
    with_amount(desk, 10)
    said = [codes(desk.record(f"{number}", 3, budget_id="b").warnings) for number in range(6)]
    assert said == [[], [], ["BUDGET_WARNING"], ["BUDGET_EXCEEDED"], ["BUDGET_EXCEEDED"], ["BUDGET_EXCEEDED"]]
    assert desk.events == [("budget.warning", "b"), ("budget.exceeded", "b")]
    assert desk.window("b").told == [800_000, 1_000_000]


def test_one_operation_may_pass_both_thresholds(desk: BookDesk) -> None:
    with_amount(desk, 10)
    assert codes(desk.record("a", 10, budget_id="b").warnings) == ["BUDGET_EXCEEDED"]
    assert desk.events == [("budget.warning", "b"), ("budget.exceeded", "b")]


def test_a_new_window_begins_unspent_and_tells_again(desk: BookDesk) -> None:
    with_amount(desk, 10, recurrence=Recurrence.DAILY)
    desk.record("a", 10, budget_id="b")
    desk.now_us += 24 * 60 * MINUTE_US
    assert desk.record("b", 7, budget_id="b").warnings == ()
    desk.record("c", 1, budget_id="b")
    assert desk.events == [("budget.warning", "b"), ("budget.exceeded", "b"), ("budget.warning", "b")]


def test_a_budget_of_nothing_is_exceeded_by_anything_and_not_by_nothing(desk: BookDesk) -> None:
    with_amount(desk, 0)
    assert desk.record("a", 0, budget_id="b").warnings == ()
    (warning,) = desk.record("b", 1, budget_id="b").warnings
    assert (warning.code, warning.utilization_ppm) == ("BUDGET_EXCEEDED", 1_000_000)
    assert desk.events == [("budget.warning", "b"), ("budget.exceeded", "b")]
    assert body(desk.books.events[1])["percentage_used"] == 1.0


def test_a_threshold_of_one_tells_once(desk: BookDesk) -> None:
    with_amount(desk, 10, warning_threshold_ppm=1_000_000)
    desk.record("a", 9, budget_id="b")
    assert desk.events == []
    desk.record("b", 1, budget_id="b")
    assert desk.events == [("budget.exceeded", "b")]


def test_every_level_of_the_tree_has_thresholds_of_its_own(acme: BookDesk) -> None:
    acme.update("acme", amount_nano=100)
    acme.update("web", amount_nano=10)
    acme.record("a", 9, budget_id="search")
    assert acme.events == [("budget.warning", "web")]
    acme.record("b", 91, budget_id="search")
    assert acme.events[1:] == [
        ("budget.exceeded", "web"),
        ("budget.warning", "acme"),
        ("budget.exceeded", "acme"),
    ]


def test_limits_on_tokens_and_requests_have_thresholds_too(desk: BookDesk) -> None:
    specs = (limit(Meter.TOKENS, 100, WindowKind.DAY), limit(Meter.REQUESTS, 2, WindowKind.MINUTE))
    desk.create("b", limits=specs)
    desk.record("a", 1, budget_id="b", prompt_tokens=60, completion_tokens=19)
    assert desk.events == []
    (exceeded, warned) = desk.record("b", 1, budget_id="b", prompt_tokens=1).warnings
    assert (exceeded.meter, exceeded.window, exceeded.spent, exceeded.limit) == (
        Meter.REQUESTS,
        WindowKind.MINUTE,
        2,
        2,
    )
    assert (warned.meter, warned.window, warned.spent, warned.code) == (
        Meter.TOKENS,
        WindowKind.DAY,
        80,
        "BUDGET_WARNING",
    )
    told = {(body(event)["meter"], event.type) for event in desk.books.events}
    assert told == {
        ("REQUESTS", "budget.warning"),
        ("REQUESTS", "budget.exceeded"),
        ("TOKENS", "budget.warning"),
    }


def test_an_event_has_the_body_of_the_source_document_and_ours(desk: BookDesk) -> None:
    with_amount(desk, usd(2), recurrence=Recurrence.MONTHLY, resource_id="res", budget_type=BudgetType.TASK)
    desk.record("a", usd(1.7), budget_id="b")
    (event,) = desk.books.events
    assert (event.type, event.budget_uid, event.at_us) == ("budget.warning", "t/b", NOW_US)
    assert body(event) == {
        "event_id": "t/0000000000000002",
        "budget_id": "b",
        "resource_id": "res",
        "budget_type": "task",
        "current_usage": "1.7",
        "budget_amount": "2",
        "percentage_used": 0.85,
        "timestamp": "2026-11-22T09:00:00+00:00",
        "currency": "USD",
        "threshold": 0.8,
        "meter": "COST",
        "window": "PERIOD",
        "window_start": "2026-11-01T00:00:00+00:00",
        "window_end": "2026-12-01T00:00:00+00:00",
    }


def test_entries_and_events_take_numbers_of_one_sequence_without_gaps(desk: BookDesk) -> None:
    with_amount(desk, 10)
    desk.do(*(desk.usage(f"{number}", 4, budget_id="b") for number in range(5)))
    desk.record("unpriced", UNPRICED, budget_id="b")
    assert desk.books.seqs("t") == list(range(1, 9))
    assert desk.books.heads["t"].seq == 8


def test_a_key_is_told_nothing_about_what_lies_above_its_budget(acme: BookDesk) -> None:
    acme.update("acme", amount_nano=10)
    acme.create("ann", "acme", budget_type=BudgetType.USER, resource_id="ann", amount_nano=10)
    confined = acme.confined("web")
    answer = confined.record("a", 9, budget_id="search", user_id="ann")
    assert codes(answer.warnings) == ["BUDGET_WARNING", "BUDGET_WARNING"]
    for warning in answer.warnings:
        assert (warning.budget_id, warning.limit, warning.spent, warning.reserved) == (None,) * 4
        assert (warning.utilization_ppm, warning.threshold_ppm) == (None, None)
        assert not any(word in warning.message for word in ("acme", "ann", "%"))


def test_nor_when_it_repeats_what_another_key_recorded(acme: BookDesk) -> None:
    acme.update("acme", amount_nano=10)
    acme.update("web", amount_nano=10)
    acme.close("acme")
    first = acme.record("a", 9, budget_id="web", timestamp="2026-11-01T00:00:00Z")
    assert [warning.budget_id for warning in first.warnings] == ["web", "acme", "acme"]
    again = acme.confined("web").record("a", 9, budget_id="web", timestamp="2026-11-01T00:00:00Z")
    assert [warning.budget_id for warning in again.warnings] == ["web", None, None]
    assert [warning.code for warning in again.warnings] == [warning.code for warning in first.warnings]
    assert again.warnings[0] == first.warnings[0]
    assert not any("acme" in warning.message for warning in again.warnings)

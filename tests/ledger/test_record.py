"""Recording: who pays, what is counted where, what the caller is told, and what is refused."""

from typing import Any

import pytest

from ledger.commands import Record
from ledger.model import BudgetType, Enforcement, EntryKind, Limit, Meter, Pricing, Recurrence, WindowKind
from ledger.results import InvalidUsage, OperationConflict, RecordedUsage
from pricing.money import NANO_MAX
from pricing.quote import Quote, Reason
from tests.ledger.books import BookDesk, body
from tests.support.desk import NANO, NOW_US, UNPRICED, codes, limit, priced, usd

MINUTE_US = 60 * 10**6


@pytest.fixture
def acme(desk: BookDesk) -> BookDesk:
    """Platform > project > task, and a stranger's root."""
    desk.create("acme")
    desk.create("web", "acme")
    desk.create("search", "web")
    desk.create("stranger")
    return desk


# ---------------------------------------------------------------------------------------- who pays


def test_the_budget_that_the_operation_names_pays_and_so_does_every_ancestor(acme: BookDesk) -> None:
    answer = acme.record("a", usd(1.25), budget_id="search", prompt_tokens=7, completion_tokens=3)
    assert (answer.duplicate, answer.pricing, answer.warnings) == (False, Pricing.PRICED, ())
    assert [acme.spent(each) for each in ("search", "web", "acme", "stranger")] == [usd(1.25)] * 3 + [0]
    operation = acme.books.operations["t/a"]
    assert acme.books.paths[operation.path_uid].chain == ("t/search", "t/web", "t/acme")


def test_else_its_parent_operations_budget_pays(acme: BookDesk) -> None:
    acme.register("agent", budget_id="stranger")
    acme.record("parent", 1, budget_id="search", agent_id="other")
    acme.record("child", 1, parent_operation_id="parent")
    assert acme.payer("child") == "search"


def test_else_its_agents_budget_pays(acme: BookDesk) -> None:
    acme.register("agent", budget_id="web")
    acme.record("a", 1)
    acme.record("b", 1, parent_operation_id="nobody knows it")
    assert (acme.payer("a"), acme.payer("b")) == ("web", "web")


def test_else_the_keys_budget_pays(acme: BookDesk) -> None:
    acme.confined("web").record("a", 1)
    assert acme.payer("a") == "web"


def test_else_the_tenants_unattributed_budget_pays(desk: BookDesk) -> None:
    desk.record("a", 1)
    assert (desk.payer("a"), desk.spent("unattributed")) == ("unattributed", 1)


@pytest.mark.parametrize("budget_id", ["nobody", "acme", "stranger"])
def test_a_budget_that_the_key_may_not_spend_from_falls_through_with_a_warning(
    acme: BookDesk, budget_id: str
) -> None:
    confined = acme.confined("web")
    confined.register("agent", budget_id="search")
    answer = confined.record("a", 1, budget_id=budget_id)
    assert (codes(answer.warnings), acme.payer("a")) == (["BUDGET_UNKNOWN"], "search")


def test_what_the_key_may_not_see_is_never_a_payer(acme: BookDesk) -> None:
    acme.register("agent", budget_id="stranger")
    acme.record("parent", 1, budget_id="stranger")
    acme.confined("web").record("a", 1, parent_operation_id="parent")
    assert acme.payer("a") == "web", "neither the parent operation's nor the agent's budget is in its subtree"


def test_an_unknown_budget_without_any_other_payer_is_unattributed(desk: BookDesk) -> None:
    answer = desk.record("a", 1, budget_id="nobody")
    assert (codes(answer.warnings), desk.payer("a")) == (["BUDGET_UNKNOWN"], "unattributed")


def test_an_operation_and_its_child_may_come_in_one_batch(acme: BookDesk) -> None:
    acme.do(
        acme.usage("child first", 1, parent_operation_id="parent"),
        acme.usage("parent", 1, budget_id="search"),
        acme.usage("child", 1, parent_operation_id="parent"),
    )
    assert acme.payer("child first") == "unattributed", "its parent was not known then"
    assert acme.payer("child") == "search"


def test_what_changes_within_a_batch_counts_from_there_on(desk: BookDesk) -> None:
    answers = desk.do(
        desk.usage("before", 1, budget_id="new"),
        desk.creation("new"),
        desk.registration("agent", budget_id="new"),
        desk.usage("named", 2, budget_id="new"),
        desk.usage("by agent", 4),
    )
    assert all(isinstance(answers[index], RecordedUsage) for index in (0, 3, 4))
    assert (desk.spent("unattributed"), desk.spent("new")) == (1, 6)


def test_scoped_budgets_pay_beside_the_leaf(acme: BookDesk) -> None:
    acme.create("ann", "acme", budget_type=BudgetType.USER, resource_id="ann")
    acme.create("openai", budget_type=BudgetType.PROVIDER, resource_id="openai")
    acme.register("annie", user_id="ann")
    acme.record("a", 1, budget_id="search", user_id="ann")
    acme.record("b", 2, budget_id="search", agent_id="annie")
    quote = priced(4)._replace(price_card="openai/gpt-4o")
    acme.record("c", quote, budget_id="stranger", user_id="ann")
    assert acme.spent("ann") == 3, "the agent's user counts; a stranger's operation does not"
    assert acme.spent("openai") == 4, "who names no provider is matched by the price's"
    assert acme.spent("acme") == 3


def test_an_unknown_agent_comes_to_be_with_its_first_operation(desk: BookDesk) -> None:
    desk.record("a", 1, agent_id="new")
    agent = desk.books.agents["t/new"]
    assert (agent.agent_id, agent.created_at_us, agent.budget_uid) == ("new", NOW_US, None)


# ------------------------------------------------------------------------------ the same thing again


def test_a_repeated_operation_is_answered_as_the_first_time_and_charged_once(acme: BookDesk) -> None:
    first = acme.record("a", usd(1), budget_id="search")
    again = acme.record("a", usd(1), budget_id="search")
    assert again == RecordedUsage("a", True, first.pricing, first.cost_entry, first.warnings)
    assert (acme.spent("acme"), len(acme.books.entries)) == (usd(1), 1)


def test_the_first_price_stands_when_the_same_operation_is_priced_anew(desk: BookDesk) -> None:
    desk.record("a", usd(1))
    answer = desk.record("a", usd(2))
    assert answer.duplicate
    assert answer.cost_entry is not None
    assert answer.cost_entry.total_cost_nano == usd(1)


def test_the_same_id_twice_in_one_batch_is_charged_once(desk: BookDesk) -> None:
    first, again, other = desk.do(desk.usage("a", 5), desk.usage("a", 5), desk.usage("a", 5, prompt_tokens=1))
    assert isinstance(first, RecordedUsage)
    assert isinstance(again, RecordedUsage)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert isinstance(other, OperationConflict)
    assert desk.spent("unattributed") == 5


def test_an_id_with_other_content_conflicts_and_changes_nothing(desk: BookDesk) -> None:
    desk.record("a", 5)
    head = desk.books.heads["t"]
    conflict = desk.one(desk.usage("a", 5, category="embedding"), OperationConflict)
    assert conflict.operation_id == "a"
    assert desk.books.heads["t"] == head
    assert desk.spent("unattributed") == 5


def test_an_operation_of_another_subtree_is_not_shown_to_a_confined_key(acme: BookDesk) -> None:
    acme.record("a", 5, budget_id="stranger")
    confined = acme.confined("web")
    conflict = confined.one(confined.usage("a", 5, budget_id="stranger"), OperationConflict)
    assert "5" not in conflict.message


def test_ids_are_unique_within_their_tenant_only(desk: BookDesk) -> None:
    other = BookDesk(desk.store, "u")
    assert not desk.record("a", 5).duplicate
    assert not other.record("a", 7).duplicate
    assert (desk.spent("unattributed"), other.spent("unattributed")) == (5, 7)


def test_one_batch_may_hold_commands_of_several_tenants(desk: BookDesk) -> None:
    other = BookDesk(desk.store, "u")
    answers = desk.do(desk.usage("a", 1), other.usage("a", 2), desk.usage("b", 4))
    assert [answer.operation_id for answer in answers if isinstance(answer, RecordedUsage)] == ["a", "a", "b"]
    assert (desk.spent("unattributed"), other.spent("unattributed")) == (5, 2)
    assert (desk.books.seqs("t"), desk.books.seqs("u")) == ([1, 2], [1])


def test_a_batch_of_repetitions_writes_nothing(desk: BookDesk) -> None:
    desk.record("a", 5)
    commits = desk.store.commits
    assert not desk.commit(desk.usage("a", 5), desk.usage("a", 6, prompt_tokens=3)).written
    assert desk.store.commits == commits


# ------------------------------------------------------------------------------------------- when


def test_without_a_timestamp_the_ledgers_time_is_taken(desk: BookDesk) -> None:
    desk.record("a", 1)
    operation = desk.books.operations["t/a"]
    assert (operation.timestamp_us, operation.recorded_at_us) == (NOW_US, NOW_US)
    assert desk.entry("a").charged_at_us == NOW_US


@pytest.mark.parametrize(("minutes", "clamped"), [(5, False), (6, True)])
def test_a_timestamp_far_ahead_is_clamped_with_a_warning(desk: BookDesk, minutes: int, clamped: bool) -> None:
    answer = desk.record("a", 1, timestamp=f"2026-11-22T09:{minutes:02d}:00Z")
    assert codes(answer.warnings) == (["TIMESTAMP_CLAMPED"] if clamped else [])
    expected = NOW_US if clamped else NOW_US + minutes * MINUTE_US
    assert desk.books.operations["t/a"].timestamp_us == expected


def test_a_late_operation_is_counted_in_the_window_of_its_own_timestamp_and_says_so(desk: BookDesk) -> None:
    desk.create("b", recurrence=Recurrence.MONTHLY, amount_nano=10)
    answer = desk.record("late", 9, budget_id="b", timestamp="2026-10-31T23:59:59Z")
    assert codes(answer.warnings) == ["LATE", "BUDGET_WARNING"]
    assert [warning.late for warning in answer.warnings] == [True, True]
    desk.record("now", 1, budget_id="b")
    assert [window.spent for window in desk.windows("b")] == [9, 1]


def test_time_never_goes_back(desk: BookDesk) -> None:
    desk.record("a", 1)
    slow = BookDesk(desk.store, now_us=NOW_US - 60 * MINUTE_US)
    slow.record("b", 1)
    assert desk.books.operations["t/b"].recorded_at_us == NOW_US


# --------------------------------------------------------------------------------------- thresholds


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


# ---------------------------------------------------------------------------------- closed, outside


def test_a_closed_budget_takes_the_charge_and_the_answer_says_so(acme: BookDesk) -> None:
    acme.close("acme")
    (warning,) = acme.record("a", 5, budget_id="web").warnings
    assert (warning.code, warning.budget_id) == ("BUDGET_CLOSED", "acme")
    assert (acme.spent("web"), acme.spent("acme")) == (5, 5)


@pytest.mark.parametrize("timestamp", ["2026-11-20T23:59:59Z", "2026-11-22T00:00:00Z"])
def test_outside_its_period_a_budget_takes_the_charge_without_counting_it(
    desk: BookDesk, timestamp: str
) -> None:
    period = {"period_start_us": NOW_US - 33 * 60 * MINUTE_US, "period_end_us": NOW_US - 9 * 60 * MINUTE_US}
    desk.create("b", amount_nano=10, **period)
    (warning,) = desk.record("a", 50, budget_id="b", timestamp=timestamp).warnings
    assert (warning.code, warning.budget_id) == ("BUDGET_OUTSIDE_PERIOD", "b")
    assert (desk.payer("a"), desk.windows("b"), desk.events) == ("b", [], [])


# ----------------------------------------------------------------------------------- prices, sums


def test_an_entry_is_the_quote_with_its_provenance(desk: BookDesk) -> None:
    quote = Quote(
        Pricing.PRICED, "USD", 5, 3, 2, 10, None, "catalogue", "openai/gpt-4o", "2024-10-01", "0.2.3", "abc"
    )
    entry = desk.record("a", quote).cost_entry
    assert entry is not None
    assert (entry.prompt_cost_nano, entry.completion_cost_nano, entry.other_cost_nano) == (5, 3, 2)
    assert (entry.total_cost_nano, entry.currency, entry.kind) == (10, "USD", EntryKind.USAGE)
    assert (entry.token_usage_id, entry.seq, entry.uid) == ("a", 1, "t/0000000000000001")
    assert (entry.price_source, entry.price_card, entry.price_date) == (
        "catalogue",
        "openai/gpt-4o",
        "2024-10-01",
    )
    assert (entry.catalogue_version, entry.catalogue_hash) == ("0.2.3", "abc")


@pytest.mark.parametrize("reason", [Reason.UNKNOWN_MODEL, Reason.UNIT_NOT_PRICED])
def test_usage_without_a_price_is_recorded_as_unpriced(desk: BookDesk, reason: Reason) -> None:
    desk.create("b", limits=(limit(Meter.TOKENS, 100), limit(Meter.REQUESTS, 100)))
    answer = desk.record("a", UNPRICED._replace(reason=reason), budget_id="b", prompt_tokens=30)
    assert (answer.pricing, answer.cost_entry, codes(answer.warnings)) == (
        Pricing.UNPRICED,
        None,
        ["UNPRICED"],
    )
    operation = desk.books.operations["t/a"]
    assert (operation.unpriced_reason, operation.unpriced_seq, operation.entry) == (reason, 1, None)
    assert desk.spent("b") == 0
    assert (desk.spent("b", "TOKENS/PERIOD"), desk.spent("b", "REQUESTS/PERIOD")) == (30, 1)


def test_a_cost_in_another_currency_is_unpriced_until_a_rate_is_known(desk: BookDesk) -> None:
    desk.create("euros", currency="EUR")
    answer = desk.record("a", priced(5), budget_id="euros")
    assert (answer.pricing, answer.cost_entry) == (Pricing.UNPRICED, None)
    assert desk.books.operations["t/a"].unpriced_reason == Reason.NO_RATE
    assert desk.record("b", priced(5, "EUR"), budget_id="euros").pricing is Pricing.PRICED
    assert desk.record("c", priced(0), budget_id="euros").pricing is Pricing.PRICED, "zero is zero"
    assert (desk.spent("euros"), desk.entry("c").currency) == (5, "EUR")


def test_what_passes_a_hard_limit_is_counted_as_forced(desk: BookDesk) -> None:
    specs = (
        limit(Meter.REQUESTS, 1, enforcement=Enforcement.SOFT),
        limit(Meter.TOKENS, 10, enforcement=Enforcement.THROTTLE),
    )
    desk.create("b", amount_nano=10, limits=specs)
    for number in range(3):
        desk.record(f"{number}", 6, budget_id="b", prompt_tokens=6)
    assert (desk.window("b").spent, desk.window("b").forced) == (18, 8)
    assert desk.window("b", "TOKENS/PERIOD").forced == 8
    assert desk.window("b", "REQUESTS/PERIOD").forced == 0, "a soft limit forces nothing"


def test_a_sum_past_64_bits_is_refused_and_changes_nothing(acme: BookDesk) -> None:
    acme.record("a", NANO_MAX, budget_id="web")
    books = acme.books.copy()
    answer = acme.one(acme.usage("b", 1, budget_id="search", agent_id="new"), InvalidUsage)
    assert (answer.operation_id, answer.code) == ("b", "AMOUNT_OUT_OF_RANGE")
    assert acme.books == books
    assert not acme.record("b", 0, budget_id="search").duplicate, "its id is still free"
    assert acme.spent("acme") == NANO_MAX


def test_one_bad_usage_fails_alone_in_its_batch(desk: BookDesk) -> None:
    desk.record("max", NANO_MAX - 1)
    rows = [desk.usage("a", 0), desk.usage("b", 2), desk.usage("max", 3, prompt_tokens=1), desk.usage("c", 1)]
    kinds = [type(answer) for answer in desk.do(*rows)]
    assert kinds == [RecordedUsage, InvalidUsage, OperationConflict, RecordedUsage]
    assert desk.spent("unattributed") == NANO_MAX


def test_a_limit_on_a_resource_or_on_each_member_counts_nothing_yet(desk: BookDesk) -> None:
    specs = (limit(Meter.REQUESTS, 5, resource="api"), limit(Meter.COST, 5, each="USER"))
    desk.create("b", limits=specs)
    desk.record("a", 7, budget_id="b")
    kept: list[Limit] = [each for each in desk.states["t"].tree.all()[0].limits if not each.counts_all]
    assert len(kept) == 2
    assert desk.spent("b") == 7
    assert not any(each.uid in window.limit_uid for each in kept for window in desk.books.windows.values())


def test_the_windows_of_every_level_are_the_sums_of_their_entries(acme: BookDesk) -> None:
    leaves = ["search", "web", "acme", "stranger", None]
    commands: list[Record] = [
        acme.usage(f"{number}", number * 7, budget_id=leaves[number % 5], prompt_tokens=number)
        for number in range(50)
    ]
    acme.do(*commands)
    for budget_id in ("acme", "web", "search", "stranger", "unattributed"):
        counted = acme.books.spent(f"t/{budget_id}", None, None)
        assert acme.spent(budget_id) == counted.cost_nano
    assert sum(acme.spent(each) for each in ("acme", "stranger", "unattributed")) == 7 * sum(range(50))

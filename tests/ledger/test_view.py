"""What a key sees of a budget tree."""

from dataclasses import replace

import pytest

from ledger.limits import amount_limit, thresholds
from ledger.model import Budget, BudgetType, Recurrence, Schedule, uid_of
from ledger.tree import BudgetTree
from ledger.view import LARGER_THAN_PARENT, View, page_of


def budget(budget_id: str, parent: str | None = None, amount_nano: int | None = None) -> Budget:
    uid = uid_of("t", budget_id)
    return Budget(
        uid=uid,
        tenant="t",
        budget_id=budget_id,
        parent_uid=None if parent is None else uid_of("t", parent),
        name=None,
        amount_nano=amount_nano,
        currency="USD",
        budget_type=BudgetType.PROJECT,
        resource_id=None,
        period_start_us=None,
        period_end_us=None,
        recurrence=Recurrence.NONE,
        timezone="UTC",
        rollup_timezone="UTC",
        warning_threshold_ppm=800_000,
        priority=None,
        created_at_us=0,
        schedules=(Schedule(0, Recurrence.NONE, "UTC"),),
        limits=(amount_limit(uid, amount_nano, thresholds(800_000)),),
    )


def tree(*budgets: Budget) -> BudgetTree:
    made = BudgetTree("t")
    for each in budgets:
        made.put(each)
    return made


FAMILY = (
    budget("root"),
    budget("web", "root"),
    budget("task", "web"),
    budget("app", "root"),
    budget("other"),
)


def ids(budgets: list[Budget]) -> list[str]:
    return [each.budget_id for each in budgets]


def test_a_key_of_the_whole_tenant_sees_everything() -> None:
    view = View(tree(*FAMILY))
    assert ids(view.all()) == ["app", "other", "root", "task", "web"]
    assert ids(view.roots()) == ["other", "root"]
    task = view.find("task")
    assert task is not None
    assert ids(view.ancestors(task)) == ["web", "root"]


def test_a_confined_key_sees_its_subtree_and_nothing_above() -> None:
    view = View(tree(*FAMILY), uid_of("t", "web"))
    assert ids(view.all()) == ["task", "web"]
    assert ids(view.roots()) == ["web"]
    task, web = view.find("task"), view.find("web")
    assert task is not None
    assert web is not None
    assert ids(view.ancestors(task)) == ["web"]
    assert view.parent(web) is None
    assert ids(view.children(web)) == ["task"]
    for hidden in ("root", "app", "other", "nobody"):
        assert view.find(hidden) is None
        assert not view.sees(uid_of("t", hidden))
    assert not view.sees(None)


def test_a_key_whose_budget_is_not_there_sees_nothing() -> None:
    view = View(tree(*FAMILY), uid_of("t", "gone"))
    assert view.all() == []
    assert view.roots() == []
    assert view.find("root") is None


@pytest.mark.parametrize(
    ("amount", "above", "recurs", "above_recurs", "warned"),
    [
        (11, 10, Recurrence.NONE, Recurrence.NONE, True),
        (10, 10, Recurrence.NONE, Recurrence.NONE, False),
        (11, None, Recurrence.NONE, Recurrence.NONE, False),
        (None, 10, Recurrence.NONE, Recurrence.NONE, False),
        (11, 10, Recurrence.DAILY, Recurrence.MONTHLY, True),
        (11, 10, Recurrence.MONTHLY, Recurrence.NONE, True),
        (11, 10, Recurrence.MONTHLY, Recurrence.DAILY, False),
        (11, 10, Recurrence.NONE, Recurrence.YEARLY, False),
    ],
)
def test_a_child_larger_than_its_parent_is_warned_of_where_the_two_compare(
    amount: int | None, above: int | None, recurs: Recurrence, above_recurs: Recurrence, *, warned: bool
) -> None:
    parent = replace(budget("root", None, above), recurrence=above_recurs)
    child = replace(budget("web", "root", amount), recurrence=recurs)
    view = View(tree(parent, child))
    assert [each.code for each in view.warnings(child)] == ([LARGER_THAN_PARENT] if warned else [])
    assert View(tree(parent, child), child.uid).warnings(child) == []
    assert view.warnings(parent) == []


def test_pages_of_a_list_hold_each_once() -> None:
    every = View(tree(*FAMILY)).all()
    first, more = page_of(every, None, 3)
    assert (ids(first), more) == (["app", "other", "root"], True)
    rest, more = page_of(every, "root", 3)
    assert (ids(rest), more) == (["task", "web"], False)
    assert page_of(every, "zzz", 3) == ([], False)
    assert ids(page_of(every, "p", 1)[0]) == ["root"]

"""The budget tree: who is above whom, and which set of budgets an operation charges."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import limits_of, thresholds
from ledger.model import Budget, BudgetType, ChargePath, Recurrence, Schedule, id_of, uid_of
from ledger.tree import BudgetTree


def node(budget_id: str, parent: str | None = None, **fields: Any) -> Budget:
    """A budget below another one."""
    kind = fields.pop("budget_type", BudgetType.CUSTOM)
    values: dict[str, Any] = {
        "uid": uid_of("t", budget_id),
        "tenant": "t",
        "budget_id": budget_id,
        "parent_uid": None if parent is None else uid_of("t", parent),
        "name": None,
        "amount_nano": None,
        "currency": "USD",
        "budget_type": kind,
        "resource_id": None,
        "period_start_us": None,
        "period_end_us": None,
        "recurrence": Recurrence.NONE,
        "timezone": "UTC",
        "rollup_timezone": "UTC",
        "warning_threshold_ppm": 800_000,
        "priority": None,
        "created_at_us": 0,
        "schedules": (Schedule(0, Recurrence.NONE, "UTC"),),
        "limits": limits_of(uid_of("t", budget_id), None, thresholds(800_000), ()),
    }
    return Budget(**{**values, **fields})


def user(budget_id: str, who: str, parent: str | None = None, **fields: Any) -> Budget:
    """A budget scoped to a user."""
    return node(budget_id, parent, budget_type=BudgetType.USER, resource_id=who, **fields)


def tree_of(*budgets: Budget) -> BudgetTree:
    """A tree of those."""
    tree = BudgetTree("t")
    for each in budgets:
        tree.put(each)
    return tree


def path(tree: BudgetTree, leaf: str, **facts: str) -> ChargePath:
    """Who pays for an operation of that leaf."""
    return tree.path(
        uid_of("t", leaf), {"user_id": None, "provider": None, "model_id": None, "agent_id": None, **facts}
    )


def paid(tree: BudgetTree, leaf: str, **facts: str) -> tuple[list[str], list[str]]:
    """The ids of chain and scoped budgets."""
    found = path(tree, leaf, **facts)
    return [id_of(uid) for uid in found.chain], [id_of(uid) for uid in found.scoped]


ACME = [node("acme"), node("web", "acme"), node("search", "web"), node("other")]


def test_a_chain_leads_from_the_leaf_to_the_root() -> None:
    tree = tree_of(*ACME)
    assert paid(tree, "search") == (["search", "web", "acme"], [])
    assert [each.budget_id for each in tree.roots()] == ["acme", "other"]
    assert [each.budget_id for each in tree.subtree("t/acme")] == ["acme", "web", "search"]
    assert (tree.height("t/acme"), tree.height("t/search"), tree.height("t/nobody")) == (3, 1, 0)


def test_a_budget_is_within_itself_and_its_ancestors_only() -> None:
    tree = tree_of(*ACME)
    assert tree.within("t/search", "t/acme")
    assert tree.within("t/web", "t/web")
    assert tree.within("t/web", None)
    assert not tree.within("t/web", "t/search")
    assert not tree.within("t/web", "t/other")
    assert not tree.within("t/nobody", None), "what does not exist lies nowhere"


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (BudgetType.USER, "user_id"),
        (BudgetType.PROVIDER, "provider"),
        (BudgetType.MODEL, "model_id"),
        (BudgetType.AGENT, "agent_id"),
    ],
)
def test_a_scoped_budget_pays_beside_the_leaf_when_its_fact_matches(kind: BudgetType, fact: str) -> None:
    tree = tree_of(*ACME, node("scoped", "acme", budget_type=kind, resource_id="x"))
    assert paid(tree, "search", **{fact: "x"}) == (["search", "web", "acme"], ["scoped"])
    assert paid(tree, "search", **{fact: "y"}) == (["search", "web", "acme"], [])
    assert paid(tree, "other", **{fact: "x"}) == (["other"], []), "it matches what charges its parent"


def test_a_team_matches_the_tag_team_and_a_custom_budget_the_tag_that_it_names() -> None:
    tree = tree_of(
        *ACME,
        node("red", "acme", budget_type=BudgetType.TEAM, resource_id="red"),
        node("checkout", "acme", budget_type=BudgetType.CUSTOM, resource_id="feature:checkout"),
        node("canary", "red", budget_type=BudgetType.CUSTOM, resource_id="canary:true"),
        node("plain", "acme", budget_type=BudgetType.CUSTOM, resource_id="feature"),
    )

    def beside(leaf: str, **tags: str | float | bool) -> list[str]:
        found = tree.path(uid_of("t", leaf), {"user_id": None, **tree.tag_facts(tags)})
        return [id_of(uid) for uid in found.scoped]

    assert beside("search", team="red", feature="checkout") == ["checkout", "red"]
    assert beside("search", team="red", canary=True) == ["canary", "red"], "below the team: only of the team"
    assert beside("search", canary=True, feature="") == []
    assert beside("other", team="red") == [], "it matches what charges its parent"
    assert beside("red", team="red", feature="checkout") == ["checkout"], "once, where it is the leaf already"
    assert tree.tag_facts({"colour": "red"}) == {}, "nobody looks at it"


def test_a_scoped_root_matches_the_whole_tenant() -> None:
    tree = tree_of(*ACME, user("ann", "ann"))
    assert paid(tree, "search", user_id="ann")[1] == ["ann"]
    assert paid(tree, "other", user_id="ann")[1] == ["ann"]


def test_a_scoped_budget_below_a_scoped_budget_matches_what_charges_that_one() -> None:
    tree = tree_of(
        *ACME,
        user("ann", "ann", "acme"),
        node("ann-gpt", "ann", budget_type=BudgetType.MODEL, resource_id="gpt"),
    )
    assert paid(tree, "web", user_id="ann", model_id="gpt")[1] == ["ann", "ann-gpt"]
    assert paid(tree, "web", user_id="bob", model_id="gpt")[1] == []


def test_a_budget_reached_by_two_ways_is_charged_once() -> None:
    tree = tree_of(*ACME, user("ann", "ann", "acme"), node("errand", "ann"))
    assert paid(tree, "ann", user_id="ann") == (["ann", "acme"], [])
    assert paid(tree, "errand", user_id="ann") == (["errand", "ann", "acme"], [])
    for leaf in ("ann", "errand", "web"):
        uids = path(tree, leaf, user_id="ann").budget_uids
        assert len(set(uids)) == len(uids)


def test_a_scoped_budget_without_resource_or_closed_or_of_another_currency_matches_nothing() -> None:
    tree = tree_of(
        *ACME,
        node("nobody", "acme", budget_type=BudgetType.USER),
        user("closed", "ann", "acme", closed_at_us=5),
        user("euros", "ann", None, currency="EUR"),
    )
    assert paid(tree, "web", user_id="ann")[1] == []


def test_a_closed_leaf_and_its_closed_parent_still_pay() -> None:
    tree = tree_of(node("acme", closed_at_us=5), node("web", "acme", closed_at_us=6))
    assert paid(tree, "web")[0] == ["web", "acme"]


def test_a_move_makes_another_path_and_a_way_back_leads_to_the_first() -> None:
    tree = tree_of(*ACME)
    before = path(tree, "search")
    tree.put(node("search", "other"))
    after = path(tree, "search")
    assert (after.uid != before.uid, after.chain) == (True, ("t/search", "t/other"))
    tree.put(node("search", "web"))
    assert path(tree, "search") == before


def test_a_moved_scoped_budget_follows_its_new_parent() -> None:
    tree = tree_of(*ACME, user("ann", "ann", "acme"))
    tree.put(user("ann", "ann", "other"))
    assert paid(tree, "web", user_id="ann")[1] == []
    assert paid(tree, "other", user_id="ann")[1] == ["ann"]


def test_a_copy_changes_apart_from_its_original() -> None:
    tree = tree_of(*ACME, user("ann", "ann", "acme"))
    twin = tree.copy()
    twin.put(node("search", "other"))
    twin.put(user("bob", "bob", "acme"))
    assert paid(tree, "search", user_id="bob") == (["search", "web", "acme"], [])
    assert paid(twin, "search", user_id="bob") == (["search", "other"], [])
    assert [each.budget_id for each in tree.children("t/web")] == ["search"]


@given(st.sets(st.text("abcdef#@/ ", min_size=1, max_size=4), min_size=2, max_size=6).map(sorted))
def test_different_sets_of_budgets_never_share_a_path(ids: list[str]) -> None:
    roots = [node(each) for each in ids]
    chained = [node(f"{each}>", ids[0]) for each in ids]
    tree = tree_of(*roots, *chained)
    paths = [path(tree, each.budget_id) for each in [*roots, *chained]]
    assert len({each.uid for each in paths}) == len({each.chain for each in paths})

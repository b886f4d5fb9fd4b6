"""Agents: created on first mention, changed by what is given, in a lineage without cycles."""

from typing import Any

import pytest

from ledger.agents import METADATA_BYTES_MAX, PARENTS_MAX
from ledger.errors import Conflict, CycleRefused, InvalidInput, LedgerError, NotFound
from ledger.model import Agent
from tests.ledger.books import BookDesk
from tests.support.desk import NOW_US


def test_an_agent_is_what_was_said_of_it(desk: BookDesk) -> None:
    desk.create("b")
    agent = desk.register("a", name="Ann's", budget_id="b", user_id="ann", metadata='{"k":1}')
    assert agent == Agent("t/a", "t", "a", "Ann's", (), "t/b", "ann", '{"k":1}', NOW_US)
    assert desk.books.agents["t/a"] == agent


def test_what_is_given_replaces_and_what_is_not_stays(desk: BookDesk) -> None:
    desk.create("b")
    desk.register("a", "p", name="old", budget_id="b", user_id="ann")
    desk.now_us += 5
    agent = desk.register("a", "q", name="new")
    assert (agent.name, agent.budget_uid, agent.user_id) == ("new", "t/b", "ann")
    assert (agent.parent_agent_ids, agent.created_at_us) == (("p", "q"), NOW_US)


def test_registering_the_same_again_changes_nothing(desk: BookDesk) -> None:
    desk.register("a", "q", "p", name="x")
    assert not desk.commit(desk.registration("a", "p", "q", name="x")).written
    fresh = BookDesk(desk.store)
    assert fresh.register("a").parent_agent_ids == ("p", "q")


def test_unknown_parents_come_to_be(desk: BookDesk) -> None:
    desk.register("child", "mother", "father")
    assert {agent.agent_id for agent in desk.books.agents.values()} == {"child", "mother", "father"}


@pytest.mark.parametrize(
    ("parents", "fields", "error", "field"),
    [
        ((), {"agent_id": ""}, InvalidInput, "agent_id"),
        ((), {"agent_id": "x" * 257}, InvalidInput, "agent_id"),
        ((), {"agent_id": "a\n"}, InvalidInput, "agent_id"),
        ((), {"name": ""}, InvalidInput, "name"),
        ((), {"user_id": "x" * 257}, InvalidInput, "user_id"),
        (("",), {}, InvalidInput, "parent_agent_ids"),
        (("p", "p"), {}, InvalidInput, "parent_agent_ids"),
        (("a",), {}, CycleRefused, "parent_agent_ids"),
        (tuple(f"p{n}" for n in range(PARENTS_MAX + 1)), {}, InvalidInput, "parent_agent_ids"),
        ((), {"metadata": '"' + "é" * (METADATA_BYTES_MAX // 2) + '"'}, InvalidInput, "metadata"),
        ((), {"budget_id": "nobody"}, NotFound, "budget_id"),
    ],
)
def test_each_kind_of_bad_input_has_its_error_and_changes_nothing(
    desk: BookDesk, parents: tuple[str, ...], fields: dict[str, Any], error: type[LedgerError], field: str
) -> None:
    fields = dict(fields)
    answer = desk.refused(desk.registration(fields.pop("agent_id", "a"), *parents, **fields))
    assert (type(answer), answer.field) == (error, field)
    assert desk.books.agents == {}


def test_a_lineage_has_no_cycles(desk: BookDesk) -> None:
    desk.register("child", "parent")
    desk.register("grandchild", "child")
    for ancestor, descendant in (("parent", "child"), ("parent", "grandchild"), ("child", "grandchild")):
        assert isinstance(desk.refused(desk.registration(ancestor, "new", descendant)), CycleRefused)
    assert "t/new" not in desk.books.agents, "a refused registration brings no parents"


def test_nor_within_one_batch(desk: BookDesk) -> None:
    answers = desk.do(
        desk.registration("a", "b"),
        desk.registration("b", "c"),
        desk.registration("c", "a"),
        desk.registration("d", "c"),
    )
    assert [type(answer) for answer in answers] == [Agent, Agent, CycleRefused, Agent]
    assert BookDesk(desk.store).register("b").parent_agent_ids == ("c",)


def test_an_agent_may_have_one_ancestor_by_two_ways(desk: BookDesk) -> None:
    desk.register("left", "root")
    desk.register("right", "root")
    assert desk.register("child", "left", "right").parent_agent_ids == ("left", "right")
    assert isinstance(desk.refused(desk.registration("root", "child")), CycleRefused)


def test_a_confined_key_gives_its_agents_budgets_of_its_subtree_only(desk: BookDesk) -> None:
    desk.create("web")
    desk.create("search", "web")
    desk.create("stranger")
    web = desk.confined("web")
    assert web.register("a", budget_id="search").budget_uid == "t/search"
    assert isinstance(web.refused(web.registration("b", budget_id="stranger")), NotFound)


def test_a_confined_key_cannot_take_another_subtrees_agent(desk: BookDesk) -> None:
    desk.create("web")
    desk.create("stranger")
    desk.register("a", budget_id="stranger", name="theirs")
    web = desk.confined("web")
    error = web.refused(web.registration("a", name="mine"))
    assert isinstance(error, Conflict)
    assert "stranger" not in error.message
    assert desk.books.agents["t/a"].name == "theirs"


def test_a_change_of_an_agent_moves_the_version_so_that_other_processes_notice(desk: BookDesk) -> None:
    desk.create("b")
    desk.register("a")
    other = BookDesk(desk.store)
    other.record("1", 1, agent_id="a")
    desk.register("a", budget_id="b")
    other.record("2", 2, agent_id="a")
    assert (desk.spent("unattributed"), desk.spent("b")) == (1, 2)

"""Agents through GraphQL."""

from typing import Any

import pytest

from tests.support.services import Caller, budget, record, usage

REGISTER = """
mutation($input: RegisterAgentInput!) {
  registerAgent(input: $input) {
    agentId name userId metadata parents { agentId } children { agentId } budget { budgetId }
  }
}
"""
AGENT = """
query($id: ID!) {
  agent(agentId: $id) {
    agentId name userId metadata createdAt parents { agentId } children { agentId } budget { budgetId }
  }
}
"""
PAGE = """
query($first: Int!, $after: String) {
  agents(first: $first, after: $after) { nodes { agentId name } pageInfo { hasNextPage endCursor } }
}
"""


def register(caller: Caller, agent_id: str, **fields: Any) -> Any:
    return caller.get(REGISTER, input={"agentId": agent_id, **fields})["registerAgent"]


def pages(caller: Caller, first: int) -> list[list[str]]:
    found: list[list[str]] = []
    after = None
    while True:
        page = caller.get(PAGE, first=first, after=after)["agents"]
        found.append([node["agentId"] for node in page["nodes"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def test_an_agent_is_what_was_said(admin: Caller) -> None:
    budget(admin, "acme")
    said = {"name": "Ann", "userId": "u1", "metadata": {"role": "planner", "tools": [1, None, "x"]}}
    shown = register(admin, "ann", budgetId="acme", parentAgentIds=["eve", "adam"], **said)
    assert shown == {
        "agentId": "ann",
        **said,
        "parents": [{"agentId": "adam"}, {"agentId": "eve"}],
        "children": [],
        "budget": {"budgetId": "acme"},
    }
    read = admin.get(AGENT, id="ann")["agent"]
    assert read.pop("createdAt").endswith("Z")
    assert read == shown
    assert admin.get(AGENT, id="eve")["agent"]["children"] == [{"agentId": "ann"}]


def test_registering_again_replaces_what_is_given_and_adds_parents(admin: Caller) -> None:
    register(admin, "ann", name="Ann", parentAgentIds=["adam"])
    shown = register(admin, "ann", userId="u1", parentAgentIds=["eve"])
    assert (shown["name"], shown["userId"]) == ("Ann", "u1")
    assert shown["parents"] == [{"agentId": "adam"}, {"agentId": "eve"}]


def test_an_unknown_agent_is_created_on_first_use(admin: Caller) -> None:
    assert admin.get(AGENT, id="new")["agent"] is None
    record(admin, usage("one", agentId="new"))
    assert admin.get(AGENT, id="new")["agent"]["agentId"] == "new"


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"budgetId": "nobody"}, "NOT_FOUND", "budgetId"),
        ({"parentAgentIds": ["ann"]}, "CYCLE", "parentAgentIds"),
        ({"parentAgentIds": ["child"]}, "CYCLE", "parentAgentIds"),
        ({"parentAgentIds": ["a", "a"]}, "INVALID", "parentAgentIds"),
        ({"metadata": {"text": "x" * 20_000}}, "INVALID", "metadata"),
        ({"agentId": ""}, "INVALID", "agentId"),
    ],
)
def test_bad_input_is_refused_with_its_code_and_field(
    admin: Caller, said: dict[str, Any], code: str, field: str
) -> None:
    register(admin, "child", parentAgentIds=["ann"])
    answer = admin.ask(REGISTER, input={"agentId": "ann", **said})
    assert (answer.code, answer.field) == (code, field)


def test_pages_of_agents_hold_each_once(admin: Caller) -> None:
    for number in range(5):
        register(admin, f"agent/{number}")
    assert pages(admin, 2) == [["agent/0", "agent/1"], ["agent/2", "agent/3"], ["agent/4"]]
    assert pages(admin, 5) == [[f"agent/{number}" for number in range(5)]]


def test_the_children_of_an_agent_come_in_pages(admin: Caller) -> None:
    for number in range(4):
        register(admin, f"child{number}", parentAgentIds=["ann"])
    shown = admin.get(
        """{ agent(agentId: "ann") {
          two: children(first: 2) { agentId } rest: children(after: "child1") { agentId }
        } }"""
    )["agent"]
    assert shown == {
        "two": [{"agentId": "child0"}, {"agentId": "child1"}],
        "rest": [{"agentId": "child2"}, {"agentId": "child3"}],
    }


def test_a_confined_key_sees_agents_at_home_and_those_that_consumed_below_it(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "task", "web")
    register(admin, "home", name="Home", budgetId="task", parentAgentIds=["elsewhere"])
    register(admin, "elsewhere", name="Elsewhere", budgetId="acme")
    register(admin, "guest", name="Guest", budgetId="acme", userId="u", metadata={"a": 1})
    record(admin, usage("one", agentId="guest", budgetId="web"), usage("two", agentId="elsewhere"))
    key = admin.confined("web")
    assert pages(key, 1) == [["guest"], ["home"]]
    assert key.get(AGENT, id="elsewhere")["agent"] is None
    home = key.get(AGENT, id="home")["agent"]
    assert (home["name"], home["parents"], home["budget"]) == ("Home", [], {"budgetId": "task"})
    bare = dict.fromkeys(("name", "userId", "metadata", "createdAt", "budget"))
    assert key.get(AGENT, id="guest")["agent"] == {"agentId": "guest", **bare, "parents": [], "children": []}


def test_what_a_confined_key_registers_is_at_home_in_its_budget(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    budget(admin, "task", "web")
    key = admin.confined("web")
    assert register(key, "mine")["budget"] == {"budgetId": "web"}
    assert register(key, "below", budgetId="task")["budget"] == {"budgetId": "task"}
    assert register(key, "below", name="Below")["budget"] == {"budgetId": "task"}
    assert pages(key, 10) == [["below", "mine"]]


def test_a_confined_key_changes_no_agent_that_others_described(admin: Caller) -> None:
    budget(admin, "acme")
    budget(admin, "web", "acme")
    register(admin, "elsewhere", budgetId="acme")
    register(admin, "described", name="Described")
    key = admin.confined("web")
    for agent_id in ("elsewhere", "described"):
        assert key.ask(REGISTER, input={"agentId": agent_id, "name": "Mine"}).code == "CONFLICT"
    record(key, usage("one", agentId="used"))
    assert register(key, "used", name="Mine")["name"] == "Mine"

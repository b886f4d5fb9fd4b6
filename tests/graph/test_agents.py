"""Agents, read back."""

import asyncio
from collections.abc import Generator, Sequence

import pytest

from graph.agents import Agents
from graph.database import Database
from ledger.commands import RegisterAgent
from ledger.model import uid_of
from resolvers import Services
from tests.support.services import admin_of, budget, open_services


@pytest.fixture
def services(database: Database) -> Generator[Services]:
    with open_services(database) as opened:
        yield opened


def register(
    services: Services, tenant: str, agent_id: str, parents: Sequence[str] = (), home: str | None = None
) -> None:
    command = RegisterAgent(tenant, None, agent_id, parent_agent_ids=tuple(parents), budget_id=home)
    asyncio.run(services.ledger.submit(command))


def test_agents_are_found_by_uid_with_their_parents(
    services: Services, database: Database, tenant: str
) -> None:
    register(services, tenant, "child", ["b", "a"])
    uid = uid_of(tenant, "child")
    found = Agents(database).get([uid, uid_of(tenant, "nobody")])
    assert list(found) == [uid]
    assert found[uid].parent_agent_ids == ("a", "b")


def test_a_page_is_of_one_tenant_and_by_id(services: Services, database: Database, tenant: str) -> None:
    names = ["a", "a/b", "b", "ü"]
    for name in names:
        register(services, tenant, name)
        register(services, f"{tenant}x", name)
    agents = Agents(database)
    assert [agent.agent_id for agent in agents.page(tenant, None, 10)] == names
    assert [agent.agent_id for agent in agents.page(tenant, "a", 2)] == ["a/b", "b"]
    assert agents.page(tenant, "ü", 2) == []


def test_agents_at_home_in_some_budgets(services: Services, database: Database, tenant: str) -> None:
    for caller in (admin_of(services, tenant), admin_of(services, f"{tenant}x")):
        budget(caller, "acme")
        budget(caller, "web")
        register(services, caller.principal.tenant, "ann", home="acme")
        register(services, caller.principal.tenant, "bob", home="web")
        register(services, caller.principal.tenant, "eve")
    agents = Agents(database)
    assert agents.at_home(tenant, [uid_of(tenant, "acme")]) == [uid_of(tenant, "ann")]
    assert agents.at_home(tenant, []) == []


def test_children_come_for_many_agents_at_once(services: Services, database: Database, tenant: str) -> None:
    for number in range(3):
        register(services, tenant, f"child{number}", ["ann"])
    register(services, tenant, "grandchild", ["child0"])
    ann, child, none = (uid_of(tenant, name) for name in ("ann", "child0", "nobody"))
    asked = [
        (ann, uid_of(tenant, "")),
        (ann, uid_of(tenant, "child1")),
        (none, uid_of(tenant, "")),
        (child, uid_of(tenant, "")),
    ]
    assert Agents(database).children(asked) == [
        [uid_of(tenant, f"child{number}") for number in range(3)],
        [uid_of(tenant, "child2")],
        [],
        [uid_of(tenant, "grandchild")],
    ]

"""Decide the registration of agents and their lineage."""

from dataclasses import replace
from typing import Final

from ledger.commands import RegisterAgent
from ledger.errors import Conflict, CycleRefused, InvalidInput, NotFound
from ledger.model import Agent, uid_of
from ledger.state import TenantState

PARENTS_MAX: Final = 64
METADATA_BYTES_MAX: Final = 16_384
ID_LENGTH_MAX: Final = 256


def register_agent(state: TenantState, command: RegisterAgent, now_us: int) -> Agent:
    """Create an agent, or change the one that exists: what is given replaces, parents are added."""
    _check(command)
    uid = uid_of(command.tenant, command.agent_id)
    budget_uid = _budget_uid(state, command)
    existing = state.agent(uid)
    if existing is None:
        existing = Agent(uid, command.tenant, command.agent_id, created_at_us=now_us)
    elif not _may_change(state, command, existing):
        raise Conflict(f"Agent id {command.agent_id} is taken.", field="agent_id")
    new_parents = [each for each in command.parent_agent_ids if each not in existing.parent_agent_ids]
    parent_uids = [uid_of(command.tenant, each) for each in new_parents]
    if parent_uids and state.agent(uid) is not None and _descends(state, uid, parent_uids):
        raise CycleRefused(
            f"Agent {command.agent_id} cannot descend from its own descendant.", field="parent_agent_ids"
        )
    for parent_id, parent_uid in zip(new_parents, parent_uids, strict=True):
        if state.agent(parent_uid) is None:
            state.put_agent(Agent(parent_uid, command.tenant, parent_id, created_at_us=now_us))
    agent = replace(
        existing,
        name=existing.name if command.name is None else command.name,
        parent_agent_ids=tuple(sorted((*existing.parent_agent_ids, *new_parents))),
        # What a confined key registers is at home in its own budget, unless it says where below.
        budget_uid=budget_uid or existing.budget_uid or command.scope_uid,
        user_id=existing.user_id if command.user_id is None else command.user_id,
        metadata=existing.metadata if command.metadata is None else command.metadata,
    )
    if agent != state.agent(uid):
        if state.agent(uid) is not None:
            # Other processes hold agents in memory by the ledger's version.
            state.head.version += 1
        state.put_agent(agent)
    return agent


def _may_change(state: TenantState, command: RegisterAgent, existing: Agent) -> bool:
    """A confined key changes agents at home in its subtree, and those that nobody has described yet.

    It would be shown what others said of the agent otherwise.
    """
    if command.scope_uid is None:
        return True
    if existing.budget_uid is not None:
        return state.tree.within(existing.budget_uid, command.scope_uid)
    return not (existing.name or existing.user_id or existing.metadata or existing.parent_agent_ids)


def _check(command: RegisterAgent) -> None:
    said = [("agent_id", command.agent_id), ("name", command.name), ("user_id", command.user_id)]
    said += [("parent_agent_ids", each) for each in command.parent_agent_ids]
    for field, text in said:
        if text is not None and (not 0 < len(text) <= ID_LENGTH_MAX or not text.isprintable()):
            raise InvalidInput(f"{field} must have 1 to {ID_LENGTH_MAX} printable characters", field=field)
    if len(command.parent_agent_ids) > PARENTS_MAX:
        raise InvalidInput(f"an agent has at most {PARENTS_MAX} parents", field="parent_agent_ids")
    if len(set(command.parent_agent_ids)) != len(command.parent_agent_ids):
        raise InvalidInput("a parent is named twice", field="parent_agent_ids")
    if command.agent_id in command.parent_agent_ids:
        raise CycleRefused("an agent cannot be its own parent", field="parent_agent_ids")
    if command.metadata is not None and len(command.metadata.encode()) > METADATA_BYTES_MAX:
        raise InvalidInput(f"metadata is larger than {METADATA_BYTES_MAX} bytes of JSON", field="metadata")


def _budget_uid(state: TenantState, command: RegisterAgent) -> str | None:
    if command.budget_id is None:
        return None
    uid = uid_of(command.tenant, command.budget_id)
    if not state.tree.within(uid, command.scope_uid):
        raise NotFound(f"There is no budget {command.budget_id}.", field="budget_id")
    return uid


def _descends(state: TenantState, ancestor_uid: str, uids: list[str]) -> bool:
    """Whether one of the agents is, or descends from, the ancestor."""
    seen: set[str] = set()
    level = uids
    while level:
        if ancestor_uid in level:
            return True
        seen.update(level)
        state.load_agents(level)
        level = [
            parent_uid
            for each in level
            if (agent := state.agent(each)) is not None
            for parent_uid in (uid_of(state.tenant, parent) for parent in agent.parent_agent_ids)
            if parent_uid not in seen
        ]
    return False

"""Recorded usage, read back: pages by index, newest first.

A page is found in two steps, because ArcadeDB walks an index in order only for one bare range: first the
keys (``TIMELINE`` and its siblings), then what the page shows of them (``USAGES``).
"""

from typing import Any, TypedDict

from cypher.query import CypherQuery


class KeyRange(TypedDict):
    """A stretch of a sortable key, [from_key, to_key), walked from its end.

    ``examined`` is how many usages are looked at; the rest is what must hold of one (None: anything).
    """

    from_key: str
    to_key: str
    examined: int
    agent_uid: str | None
    pricing: str | None
    model_id: str | None
    user_id: str | None
    from_us: int
    to_us: int


class KeyRow(TypedDict):
    """A usage in the range; ``fits`` says whether what must hold of it does."""

    key: str
    uid: str
    charge_path: str
    fits: bool


class SessionParams(TypedDict):
    """A session's usages in [from_us, to_us), and before an operation at ``to_us``; what must hold of one."""

    session_uid: str
    examined: int
    agent_uid: str | None
    pricing: str | None
    model_id: str | None
    user_id: str | None
    from_us: int
    to_us: int
    before_operation_id: str


class OneBudget(TypedDict):
    """A budget."""

    budget_uid: str


class PathRow(TypedDict):
    """A charge path."""

    uid: str


class Uids(TypedDict):
    """Keys to look up."""

    uids: list[str]


class UsageRow(TypedDict):
    """A usage as it is in the graph; counts that are absent are None."""

    uid: str
    tenant: str
    operation_id: str
    agent_id: str
    agent_uid: str
    capability_type: str
    model_id: str | None
    provider: str | None
    timestamp_us: int
    recorded_at_us: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cache_write_1h_tokens: int | None
    reasoning_tokens: int | None
    audio_input_tokens: int | None
    audio_output_tokens: int | None
    image_input_tokens: int | None
    image_output_tokens: int | None
    user_id: str | None
    session_id: str | None
    region: str | None
    category: str
    outcome: str
    tags: str | None
    usage_reported: bool
    parent_operation_id: str | None
    budget_id: str
    resource_type: str
    pricing: str
    unpriced_reason: str | None


class EntryRow(TypedDict):
    """One cost entry of a usage: the properties of its node."""

    usage_uid: str
    entry: dict[str, Any]


TIMELINE: CypherQuery[KeyRange, KeyRow] = CypherQuery("usage/timeline", KeyRange, KeyRow)
AGENT_TIMELINE: CypherQuery[KeyRange, KeyRow] = CypherQuery("usage/agent_timeline", KeyRange, KeyRow)
PATH_TIMELINE: CypherQuery[KeyRange, KeyRow] = CypherQuery("usage/path_timeline", KeyRange, KeyRow)
UNPRICED: CypherQuery[KeyRange, KeyRow] = CypherQuery("usage/unpriced", KeyRange, KeyRow)
SESSION: CypherQuery[SessionParams, KeyRow] = CypherQuery("usage/session", SessionParams, KeyRow)
CHARGE_PATHS: CypherQuery[OneBudget, PathRow] = CypherQuery("usage/charge_paths", OneBudget, PathRow)
USAGES: CypherQuery[Uids, UsageRow] = CypherQuery("usage/usages", Uids, UsageRow)
ENTRIES: CypherQuery[Uids, EntryRow] = CypherQuery("usage/entries", Uids, EntryRow)

"""Recorded usage, read back: pages by index, newest first.

A page is found in two steps, because ArcadeDB walks an index in order only for one bare range: first the
keys (``TIMELINE`` and its siblings), then what the page shows of them (``USAGES``). What must hold beside
the range is written ``$x IS NULL OR …``: a bare equality makes ArcadeDB leave the index and read them all.
"""

from typing import Any, TypedDict

from cypher.query import CypherQuery


class Wanted(TypedDict):
    """What must hold of a usage (None: anything), and how many are wanted."""

    agent_uid: str | None
    paths: list[str] | None
    pricing: str | None
    model_id: str | None
    provider: str | None
    user_id: str | None
    from_us: int | None
    to_us: int | None
    first: int


class WantedInRange(Wanted):
    """The same in a stretch of a sortable key, [from_key, to_key), from its end."""

    from_key: str
    to_key: str


class WantedInSession(Wanted):
    """The same in a session, before an operation at an instant (None: from the session's end)."""

    session_uid: str
    before_us: int | None
    before_operation_id: str


class KeyRow(TypedDict):
    """A usage that is wanted, and where it is in the key."""

    key: str
    uid: str


class ReachParams(TypedDict):
    """A stretch of a sortable key, and how many usages to pass over from its end."""

    from_key: str
    to_key: str
    passed: int


class ReachRow(TypedDict):
    """The key of the usage after those; no row where there are not so many."""

    key: str


class AwaitingParams(TypedDict):
    """A page of what awaits a price: keys in (after, before)."""

    after: str
    before: str
    limit: int


class OneBudget(TypedDict):
    """A budget."""

    budget_uid: str


class PathsRow(TypedDict):
    """Charge paths, in one row: many times faster than a row each."""

    uids: list[str]


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
    audio_cache_read_tokens: int | None
    image_input_tokens: int | None
    image_output_tokens: int | None
    video_input_tokens: int | None
    video_output_tokens: int | None
    web_searches: int | None
    pages: int | None
    milliseconds: int | None
    characters: int | None
    requests: int | None
    mode: str | None
    unit: str | None
    quantity_nano: int | None
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
    archived: str | None
    unpriced_seq: int | None
    """Its number in the sequence, if it was recorded without a price."""
    first_prompt_tokens: int
    """What it counted when it was recorded, before it grew."""
    first_completion_tokens: int


class EntryRow(TypedDict):
    """One cost entry of a usage: the properties of its node."""

    usage_uid: str
    entry: dict[str, Any]


TIMELINE: CypherQuery[WantedInRange, KeyRow] = CypherQuery("usage/timeline", WantedInRange, KeyRow)
TIMELINE_REACH: CypherQuery[ReachParams, ReachRow] = CypherQuery(
    "usage/timeline_reach", ReachParams, ReachRow
)
AGENT_TIMELINE: CypherQuery[WantedInRange, KeyRow] = CypherQuery(
    "usage/agent_timeline", WantedInRange, KeyRow
)
AGENT_TIMELINE_REACH: CypherQuery[ReachParams, ReachRow] = CypherQuery(
    "usage/agent_timeline_reach", ReachParams, ReachRow
)
PATH_TIMELINE: CypherQuery[WantedInRange, KeyRow] = CypherQuery("usage/path_timeline", WantedInRange, KeyRow)
PATH_TIMELINE_REACH: CypherQuery[ReachParams, ReachRow] = CypherQuery(
    "usage/path_timeline_reach", ReachParams, ReachRow
)
UNPRICED: CypherQuery[WantedInRange, KeyRow] = CypherQuery("usage/unpriced", WantedInRange, KeyRow)
UNPRICED_REACH: CypherQuery[ReachParams, ReachRow] = CypherQuery(
    "usage/unpriced_reach", ReachParams, ReachRow
)
AWAITING: CypherQuery[AwaitingParams, KeyRow] = CypherQuery("usage/awaiting", AwaitingParams, KeyRow)
SESSION: CypherQuery[WantedInSession, KeyRow] = CypherQuery("usage/session", WantedInSession, KeyRow)
CHARGE_PATHS: CypherQuery[OneBudget, PathsRow] = CypherQuery("usage/charge_paths", OneBudget, PathsRow)
USAGES: CypherQuery[Uids, UsageRow] = CypherQuery("usage/usages", Uids, UsageRow)
ENTRIES: CypherQuery[Uids, EntryRow] = CypherQuery("usage/entries", Uids, EntryRow)

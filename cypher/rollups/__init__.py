"""Rollups: the stream that they are folded from, their nodes, the fold's watermark and lease.

Columns come as lists in one row: a record per node costs five to ten times as much over Bolt.
"""

from typing import Any, TypedDict

from cypher.ledger import KeySpan
from cypher.query import CypherQuery, NoParams, NoRow


class OneTenant(TypedDict):
    """A tenant's name."""

    tenant: str


class WatermarkRow(TypedDict):
    """How far a tenant is folded; ``first_day`` to ``last_day`` (UTC) hold all that is.

    ``generation`` is that of a rebuild; ``begun`` counts the commits of folds that have begun.
    """

    folded_seq: int
    generation: int
    dropping: bool
    first_day: int | None
    last_day: int | None
    begun: int


class HeadRow(WatermarkRow):
    """A tenant's ledger and its fold; while ``ended`` is not ``begun``, a fold is being committed."""

    seq: int
    version: int
    last_now_us: int
    ended: int


class TenantRow(TypedDict):
    """A tenant with something to fold."""

    tenant: str


class KeysBetween(TypedDict):
    """Keys from ``begin`` to before ``end``."""

    begin: str
    end: str


class TimeSpan(KeysBetween):
    """Usage by time, and entries up to ``through_seq``."""

    through_seq: int


class UsagesRow(TypedDict):
    """A number of usages."""

    usages: int


class InstantRow(TypedDict):
    """When a usage was."""

    at_us: int


class FactsRow(TypedDict):
    """Entries with their usage, or usage without a price, column by column in the same order."""

    seq: list[int]
    at_us: list[int]
    path: list[str]
    agent: list[str]
    model: list[str]
    provider: list[str]
    capability: list[str]
    user: list[str]
    category: list[str]
    outcome: list[str]
    resource_type: list[str]
    operations: list[int]
    prompt_tokens: list[int]
    completion_tokens: list[int]
    prompt_cost_nano: list[int]
    completion_cost_nano: list[int]
    other_cost_nano: list[int]
    units_nano: list[int]


class UidsAndColumns(TypedDict):
    """Nodes to read, and which of their columns."""

    uids: list[str]
    columns: list[str]


class RollupsRow(TypedDict):
    """The Rollup nodes of one budget, in parallel lists; ``tables`` in the order of the asked columns."""

    budget_uid: str
    days: list[int]
    totals: list[list[int]]
    owns: list[list[int]]
    tables: list[list[bytes | None]]


class CellsParams(KeysBetween):
    """Segments by uid, and which of their columns."""

    columns: list[str]


class SegmentRow(TypedDict):
    """A segment of cells: its UTC day and its number of rows."""

    uid: str
    day: int
    rows: int


class CellsRow(SegmentRow):
    """A segment with the asked columns."""

    columns: list[bytes]


class Uids(TypedDict):
    """Keys of nodes."""

    uids: list[str]


class PathRow(TypedDict):
    """A charge path: budget uids."""

    uid: str
    chain: list[str]
    scoped: list[str]


class LeaseParams(TypedDict):
    """Who wants the lease, from when to when."""

    tenant: str
    owner: str
    now_us: int
    until_us: int


class LeaseRow(TypedDict):
    """Who has it now."""

    owner: str


class ReleaseParams(TypedDict):
    """Whose lease ends."""

    tenant: str
    owner: str


class BegunRow(TypedDict):
    """The number of a fold's commit."""

    begun: int


class AdvanceParams(TypedDict):
    """From where to where the tenant is folded by the commit with the number ``begun``."""

    tenant: str
    after_seq: int
    generation: int
    begun: int
    folded_seq: int
    first_day: int | None
    last_day: int | None


class AdvancedRow(TypedDict):
    """How far it is folded: no row where it was not as it had to be."""

    folded_seq: int


class Rows(TypedDict):
    """Rows to write: ``uid``, ``properties``, and what they hang on."""

    rows: list[dict[str, Any]]


class DropParams(TypedDict):
    """A tenant's nodes, some at a time."""

    tenant: str
    limit: int


class DroppedRow(TypedDict):
    """How many were there to drop."""

    dropped: int


HEAD = CypherQuery("rollups/head", OneTenant, HeadRow)
WATERMARK = CypherQuery("rollups/watermark", OneTenant, WatermarkRow)
BACKLOG = CypherQuery("rollups/backlog", NoParams, TenantRow)

ENTRIES = CypherQuery("rollups/entries", KeySpan, FactsRow)
UNPRICED = CypherQuery("rollups/unpriced", KeySpan, FactsRow)
ENTRIES_BY_TIME = CypherQuery("rollups/entries_by_time", TimeSpan, FactsRow)
UNPRICED_BY_TIME = CypherQuery("rollups/unpriced_by_time", TimeSpan, FactsRow)
COUNT_BETWEEN = CypherQuery("rollups/count_between", KeysBetween, UsagesRow)
FIRST_USAGE = CypherQuery("rollups/first_usage", KeysBetween, InstantRow)
LAST_USAGE = CypherQuery("rollups/last_usage", KeysBetween, InstantRow)
PATHS = CypherQuery("rollups/paths", Uids, PathRow)

ROLLUPS = CypherQuery("rollups/rollups", UidsAndColumns, RollupsRow)
CELLS = CypherQuery("rollups/cells", CellsParams, CellsRow)
CELLS_BY_UID = CypherQuery("rollups/cells_by_uid", UidsAndColumns, CellsRow)
SEGMENTS = CypherQuery("rollups/segments", KeysBetween, SegmentRow)

LEASE = CypherQuery("rollups/lease", LeaseParams, LeaseRow)
RELEASE = CypherQuery("rollups/release", ReleaseParams, NoRow)
LOCK = CypherQuery("rollups/lock", OneTenant, NoRow)
CREATE_ROLLUPS = CypherQuery("rollups/create_rollups", Rows, NoRow)
UPDATE_ROLLUPS = CypherQuery("rollups/update_rollups", Rows, NoRow)
CREATE_CELLS = CypherQuery("rollups/create_cells", Rows, NoRow)
DELETE_CELLS = CypherQuery("rollups/delete_cells", Uids, NoRow)
BEGIN = CypherQuery("rollups/begin", OneTenant, BegunRow)
ADVANCE = CypherQuery("rollups/advance", AdvanceParams, AdvancedRow)

BEGIN_DROP = CypherQuery("rollups/begin_drop", OneTenant, NoRow)
DROP_ROLLUPS = CypherQuery("rollups/drop_rollups", DropParams, DroppedRow)
END_DROP = CypherQuery("rollups/end_drop", OneTenant, NoRow)

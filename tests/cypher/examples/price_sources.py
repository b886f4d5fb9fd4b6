"""Examples of price sources and of prices that wait."""

from cypher import ledger
from cypher import price_sources as queries
from cypher.query import NoParams
from tests.cypher.examples import Example, Given

TENANT = "example-sources"
SOURCE, HELD = f"{TENANT}/litellm", f"{TENANT}/0123456789abcdef"
EARLY = f"{1:016d}"
NEW: queries.SourceProperties = {
    "uid": SOURCE,
    "properties": {"tenant": TENANT, "failures": 1, "due_key": EARLY, "attempts": []},
}
LEASE: queries.LeaseParams = {"uid": SOURCE, "owner": "one", "now_us": 10, "until_us": 20}
ROWS: ledger.Rows = {
    "rows": [
        {
            "uid": HELD,
            "source_uid": SOURCE,
            "properties": {"state": "HELD", "state_key": f"{TENANT}/HELD/litellm/m", "fingerprint": "f"},
        }
    ]
}
SET_UP: Given = (queries.PUT, NEW)
LEASED: tuple[Given, ...] = (SET_UP, (queries.LEASE, LEASE))
WAITING: tuple[Given, ...] = (SET_UP, (queries.HOLD, ROWS))

EXAMPLES = (
    Example(queries.PUT, NEW),
    Example(queries.PAGE, {"after_uid": f"{TENANT}/", "before_uid": f"{TENANT}0", "first": 2}, given=WAITING),
    Example(queries.GET, {"uid": SOURCE}, given=WAITING),
    Example(queries.REMOVE, {"uid": SOURCE}, given=WAITING),
    Example(queries.DUE, {"now_key": EARLY, "first": 5}, given=(SET_UP,)),
    Example(queries.LEASE, LEASE, given=(SET_UP,)),
    Example(queries.FINISH, {"uid": SOURCE, "owner": "one", "properties": {"failures": 0}}, given=LEASED),
    Example(queries.HOLD, ROWS, given=(SET_UP,)),
    Example(queries.WAITING, {"uid": SOURCE}, given=WAITING),
    Example(queries.DECIDE, {"rows": [{"uid": HELD, "properties": {"state": "APPROVED"}}]}, given=WAITING),
    Example(queries.HELD, {"uids": [HELD, "nobody"]}, given=WAITING),
    Example(
        queries.HELD_PAGE,
        {"after_key": f"{TENANT}/HELD/", "before_key": f"{TENANT}/HELD0", "first": 2},
        given=WAITING,
    ),
    Example(queries.HEALTH, NoParams(), given=WAITING),
)

"""Examples of archives: an operation with its entry, an archive, a tenant's retention."""

from cypher import archives
from cypher.query import NoParams
from tests.cypher.examples import Example

TENANT = "example-archives"
OPERATION = (
    "CREATE (:Agent {uid: 'example-archives/a'})-[:CONSUMED]->(u:TokenUsage {uid: 'example-archives/op', "
    "tenant: 'example-archives', fingerprint: 'f', time_key: 'example-archives/0000000000000007/op', "
    "path_key: 'example-archives/p/0000000000000007/op', "
    "agent_key: 'example-archives/a/0000000000000007/op', agent_uid: 'example-archives/a', "
    "region: 'eu', tags: '{}'}) "
    "CREATE (u)-[:INCURRED]->(:CostEntry {uid: 'example-archives/0000000000000001', seq: 1})"
)
STUB = (
    "CREATE (:TokenUsage {uid: 'example-archives/stub', archived: 'example-archives/0000000000000007-abc'})"
)
ARCHIVE = (
    "CREATE (:Archive {uid: 'example-archives/0000000000000007-abc', tenant: 'example-archives', "
    "archive_id: '0000000000000007-abc', file: 'example-archives/f.jsonl.gz', operations: 2})"
)
RETENTION = (
    "CREATE (:Retention {uid: 'example-archives', lease_owner: 'me', lease_until_us: 5, horizon_us: 4})"
)

EXAMPLES = (
    Example(archives.RAW, {"uids": ["example-archives/op"]}, (OPERATION,)),
    Example(archives.CONTENTS, {"uids": ["example-archives/op"]}, (OPERATION,)),
    Example(
        archives.WRITE,
        {
            "rows": [
                {
                    "uid": "example-archives/0000000000000007-abc",
                    "operations": 1,
                    "properties": {"tenant": TENANT},
                }
            ]
        },
        (ARCHIVE,),
    ),
    Example(
        archives.STRIP,
        {
            "rows": [
                {
                    "uid": "example-archives/op",
                    "archive_uid": "example-archives/0000000000000007-abc",
                    "time_key": "example-archives/~0000000000000007/op",
                }
            ]
        },
        (OPERATION,),
    ),
    Example(
        archives.LEASE,
        {"tenant": TENANT, "owner": "me", "now_us": 6, "until_us": 9, "horizon_us": 5},
        (RETENTION,),
    ),
    Example(archives.RELEASE, {"tenant": TENANT, "owner": "me"}, (RETENTION,)),
    Example(archives.HORIZON, {"tenant": TENANT}, (RETENTION,)),
    Example(
        archives.PAGE,
        {"after_uid": "example-archives/", "before_uid": "example-archives0", "first": 5},
        (ARCHIVE,),
    ),
    Example(archives.GET, {"uid": "example-archives/0000000000000007-abc"}, (ARCHIVE,)),
    Example(
        archives.CLAIMED,
        {"uids": ["example-archives/stub"], "archive_uid": "example-archives/0000000000000007-abc"},
        (STUB,),
    ),
    Example(archives.HEALTH, NoParams(), (ARCHIVE,)),
)

"""Examples of webhook endpoints and dead letters."""

from cypher import webhooks
from cypher.query import NoParams
from tests.cypher.examples import Example

UID = "example-webhooks/one"
ENDPOINT = (
    "CREATE (w:WebhookEndpoint {uid: 'example-webhooks/one', tenant: 'example-webhooks', enabled: true, "
    "lease_until_us: 5, lease_owner: 'me', cursor_seq: 1, replaying: false})"
)
LETTER = (
    "MATCH (w:WebhookEndpoint {uid: 'example-webhooks/one'}) "
    "CREATE (:DeadLetter {uid: 'example-webhooks/one/0000000000000007', seq: 7, replaying: true})"
    "-[:DEAD_AT]->(w)"
)
LETTER_UID = f"{UID}/0000000000000007"
LETTERS: webhooks.LettersRange = {"after_uid": f"{UID}/", "before_uid": f"{UID}0", "first": 5}

EXAMPLES = (
    Example(webhooks.CREATE, {"uid": UID, "properties": {"tenant": "example-webhooks"}}),
    Example(webhooks.GET, {"uid": UID}, given=(ENDPOINT,)),
    Example(
        webhooks.PAGE,
        {"after_uid": "example-webhooks/", "before_uid": "example-webhooks0", "first": 5},
        given=(ENDPOINT,),
    ),
    Example(webhooks.ENABLED, NoParams(), given=(ENDPOINT,)),
    Example(webhooks.CHANGE, {"uid": UID, "properties": {"enabled": False}}, given=(ENDPOINT,)),
    Example(webhooks.DELETE, {"uid": UID}, given=(ENDPOINT, LETTER)),
    Example(webhooks.LEASE, {"uid": UID, "owner": "you", "now_us": 6, "until_us": 9}, given=(ENDPOINT,)),
    Example(
        webhooks.PROGRESS, {"uid": UID, "owner": "me", "properties": {"cursor_seq": 2}}, given=(ENDPOINT,)
    ),
    Example(
        webhooks.BURY,
        {"endpoint_uid": UID, "uid": LETTER_UID, "properties": {"seq": 7}},
        given=(ENDPOINT,),
    ),
    Example(webhooks.LETTERS, LETTERS, given=(ENDPOINT, LETTER)),
    Example(webhooks.REPLAYING, LETTERS, given=(ENDPOINT, LETTER)),
    Example(
        webhooks.REPLAY,
        {"endpoint_uid": UID, "after_uid": f"{UID}/", "before_uid": f"{UID}0", "uids": [LETTER_UID]},
        given=(ENDPOINT, LETTER),
    ),
    Example(webhooks.DROP_LETTER, {"uid": LETTER_UID}, given=(ENDPOINT, LETTER)),
)

"""Examples of API keys."""

from cypher import keys
from tests.cypher.examples import Example


def new_key(key_id: str, budget_uid: str | None = None) -> keys.KeyParams:
    """The parameters of a new key."""
    return {
        "uid": f"example-keys/{key_id}",
        "tenant": "example-keys",
        "key_id": key_id,
        "name": "An example",
        "hash": f"hash of {key_id}",
        "role": "viewer",
        "budget_uid": budget_uid,
        "created_at_us": 1,
    }


EXISTING = (keys.CREATE, new_key("one"))

EXAMPLES = (
    Example(keys.CREATE, new_key("two", "example-keys/budget")),
    Example(keys.ENSURE, new_key("three")),
    Example(keys.FIND, {"hash": "hash of one"}, given=(EXISTING,)),
    Example(keys.GET, {"uid": "example-keys/one"}, given=(EXISTING,)),
    Example(
        keys.PAGE,
        {"after_uid": "example-keys/", "before_uid": "example-keys0", "first": 2},
        given=(EXISTING,),
    ),
    Example(keys.REVOKE, {"uid": "example-keys/one", "now_us": 2}, given=(EXISTING,)),
)

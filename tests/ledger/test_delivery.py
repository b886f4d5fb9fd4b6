"""Webhooks: signatures as Standard Webhooks has them, rotation, and what may be asked for."""

import base64

import orjson
import pytest

from ledger.changes import Event
from ledger.delivery import (
    OVERLAP_US,
    Endpoint,
    Secret,
    body_of,
    check_types,
    new_secret,
    rotated,
    signature,
    signed,
)
from ledger.errors import InvalidInput
from ledger.events import EVENT_TYPES


def endpoint(*secrets: Secret) -> Endpoint:
    return Endpoint(
        uid="t/e",
        tenant="t",
        endpoint_id="e",
        url="https://example.com/",
        types=EVENT_TYPES,
        budget_uid=None,
        description=None,
        enabled=True,
        created_at_us=0,
        cursor_seq=0,
        secrets=secrets,
    )


def test_the_signature_is_that_of_the_specifications_own_example() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_has_256_bits_and_is_another_each_time() -> None:
    assert len(base64.b64decode(new_secret().removeprefix("whsec_"))) == 32
    assert new_secret() != new_secret()


def test_after_a_rotation_two_secrets_sign_until_the_older_one_ends() -> None:
    one, two, three = new_secret(), new_secret(), new_secret()
    valid = rotated((Secret(one),), two, 1_000)
    assert valid == (Secret(two), Secret(one, 1_000 + OVERLAP_US))

    def signatures(now_us: int) -> list[str]:
        headers = signed(endpoint(*valid), 7, b"{}", now_us)
        wanted = [
            signature(each, headers["webhook-id"], headers["webhook-timestamp"], b"{}") for each in (two, one)
        ]
        found = headers["webhook-signature"].split(" ")
        assert found == wanted[: len(found)]
        return found

    assert len(signatures(2_000)) == 2
    assert len(signatures(1_000 + OVERLAP_US)) == 1
    assert rotated(valid, three, 5_000) == (Secret(three), Secret(two, 5_000 + OVERLAP_US))


def test_a_message_has_one_id_however_often_it_is_sent() -> None:
    first, again = (signed(endpoint(Secret(new_secret())), 7, b"{}", now_us) for now_us in (10**12, 10**13))
    assert first["webhook-id"] == again["webhook-id"] == "msg_e_0000000000000007"
    assert first["webhook-timestamp"] == "1000000"
    assert again["webhook-timestamp"] == "10000000"


def test_a_body_holds_type_instant_and_the_events_own_body() -> None:
    event = Event("t", 7, "budget.warning", "t/b", 1_000_000, '{"event_id":"t/7","current_usage":"0.1"}')
    assert orjson.loads(body_of(event)) == {
        "type": "budget.warning",
        "timestamp": "1970-01-01T00:00:01+00:00",
        "data": {"event_id": "t/7", "current_usage": "0.1"},
    }


def test_types_are_those_that_there_are() -> None:
    assert check_types(None) == EVENT_TYPES
    assert check_types(["cost.recorded", "budget.warning"]) == ("budget.warning", "cost.recorded")
    for wrong in ([], ["cost"], ["budget.warning", "BUDGET_EXCEEDED"]):
        with pytest.raises(InvalidInput) as refused:
            check_types(wrong)
        assert refused.value.field == "types"

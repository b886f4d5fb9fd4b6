"""Webhook endpoints and dead letters in the graph.

An endpoint's cursor is moved only by the process that holds its lease: events go out in order, by one process
at a time. A process that dies leaves its lease to the next one, which begins at the cursor: at least once.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from cypher import webhooks as queries
from cypher.query import NoParams
from cypher.webhooks import EndpointRow
from graph.agents import uid_range
from graph.audit import act, write_entries
from graph.database import Database, Transaction
from ledger.delivery import DeadLetter, Endpoint, Secret
from ledger.model import seq_uid, uid_of

LEASE_US: Final = 30_000_000


class Webhooks:
    """Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Work on a database."""
        self._database = database
        self._owner = secrets.token_hex(16)

    def create(
        self,
        tenant: str,
        url: str,
        types: Sequence[str],
        secret: str,
        *,
        budget_uid: str | None,
        description: str | None,
        cursor_seq: int,
        author: str | None = None,
    ) -> Endpoint:
        """A new endpoint, which gets what comes after ``cursor_seq``. ``author`` is the key that asks."""
        endpoint_id = secrets.token_hex(8)
        properties: dict[str, Any] = {
            "tenant": tenant,
            "endpoint_id": endpoint_id,
            "url": url,
            "types": list(types),
            "budget_uid": budget_uid,
            "description": description,
            "enabled": True,
            "created_at_us": _now_us(),
            "cursor_seq": cursor_seq,
            "attempts": 0,
            "next_attempt_us": 0,
            "lease_until_us": 0,
            "secrets": secrets_text((Secret(secret),)),
        }
        params: queries.Created = {"uid": uid_of(tenant, endpoint_id), "properties": properties}

        def work(transaction: Transaction) -> Endpoint:
            endpoint = endpoint_of(transaction.run(queries.CREATE, params)[0])
            _audit(transaction, author, "webhook.create", None, endpoint)
            return endpoint

        return self._database.writing(work)

    def get(self, tenant: str, endpoint_id: str) -> Endpoint | None:
        """The endpoint with that id."""
        return _first(self._database.read(queries.GET, {"uid": uid_of(tenant, endpoint_id)}))

    def page(self, tenant: str, after_id: str | None, first: int) -> list[Endpoint]:
        """The next endpoints of a tenant, by id."""
        after_uid, before_uid = uid_range(tenant, after_id)
        params: queries.UidRange = {"after_uid": after_uid, "before_uid": before_uid, "first": first}
        return [endpoint_of(row) for row in self._database.read(queries.PAGE, params)]

    def enabled(self) -> list[Endpoint]:
        """All that are to be served, of every tenant."""
        return [endpoint_of(row) for row in self._database.read(queries.ENABLED, NoParams())]

    def change(
        self,
        endpoint: Endpoint,
        properties: Mapping[str, Any],
        *,
        author: str | None = None,
        action: str = "webhook.update",
    ) -> Endpoint | None:
        """Change an endpoint; None where it is gone. Without an ``author`` nobody did: it is on no record."""
        params: queries.Changed = {"uid": endpoint.uid, "properties": dict(properties)}

        def work(transaction: Transaction) -> Endpoint | None:
            changed = _first(transaction.run(queries.CHANGE, params))
            if changed is not None and author is not None:
                _audit(transaction, author, action, endpoint, changed)
            return changed

        return self._database.writing(work)

    def delete(self, endpoint: Endpoint, author: str | None = None) -> None:
        """End an endpoint, and forget its dead letters."""

        def work(transaction: Transaction) -> None:
            transaction.run_consume(queries.DELETE, {"uid": endpoint.uid})
            _audit(transaction, author, "webhook.delete", endpoint, None)

        self._database.writing(work)

    def lease(self, endpoint: Endpoint) -> Endpoint | None:
        """The endpoint as it is now, for this process to serve; None where another process serves it."""
        now_us = _now_us()
        params: queries.Lease = {
            "uid": endpoint.uid,
            "owner": self._owner,
            "now_us": now_us,
            "until_us": now_us + LEASE_US,
        }
        return _first(self._database.write(queries.LEASE, params))

    def progress(self, endpoint: Endpoint, **properties: Any) -> bool:
        """Note how far an endpoint is, and keep its lease; False where it is no longer this process's."""
        params: queries.Progress = {
            "uid": endpoint.uid,
            "owner": self._owner,
            "properties": {**properties, "lease_until_us": _now_us() + LEASE_US},
        }
        (row,) = self._database.write(queries.PROGRESS, params)
        return bool(row["count"])

    def ours(self, endpoint: Endpoint) -> bool:
        """Whether this process may try to serve an endpoint, as far as is known."""
        return endpoint.lease_owner == self._owner or endpoint.lease_until_us < _now_us()

    def bury(self, endpoint: Endpoint, letter: DeadLetter) -> int:
        """Keep an event that an endpoint did not take; how many of them it has by now."""
        params: queries.Buried = {
            "endpoint_uid": endpoint.uid,
            "uid": letter_uid(endpoint, letter.seq),
            "properties": {
                "seq": letter.seq,
                "event_id": letter.event_id,
                "event_type": letter.event_type,
                "attempts": letter.attempts,
                "error": letter.error,
                "failed_at_us": letter.failed_at_us,
                "replaying": letter.replaying,
            },
        }
        return sum(row["count"] for row in self._database.write(queries.BURY, params))

    def letters(self, endpoint: Endpoint, before_seq: int | None, first: int) -> list[DeadLetter]:
        """An endpoint's dead letters, the last ones first, from before a number of the sequence on."""
        end = f"{endpoint.uid}0" if before_seq is None else letter_uid(endpoint, before_seq)
        params: queries.LettersRange = {"after_uid": f"{endpoint.uid}/", "before_uid": end, "first": first}
        return [DeadLetter(**_letter(row)) for row in self._database.read(queries.LETTERS, params)]

    def replaying(self, endpoint: Endpoint, first: int) -> list[DeadLetter]:
        """The first of an endpoint's dead letters that are to be sent again."""
        params: queries.LettersRange = {
            "after_uid": f"{endpoint.uid}/",
            "before_uid": f"{endpoint.uid}0",
            "first": first,
        }
        return [DeadLetter(**_letter(row)) for row in self._database.read(queries.REPLAYING, params)]

    def replay(self, endpoint: Endpoint, seqs: Sequence[int] | None, author: str | None = None) -> int:
        """Have dead letters sent again, all of them where none are named; how many there are."""
        params: queries.Replayed = {
            "endpoint_uid": endpoint.uid,
            "after_uid": f"{endpoint.uid}/",
            "before_uid": f"{endpoint.uid}0",
            "uids": None if seqs is None else [letter_uid(endpoint, seq) for seq in seqs],
        }

        def work(transaction: Transaction) -> int:
            count = sum(row["count"] for row in transaction.run(queries.REPLAY, params))
            _audit(transaction, author, "webhook.replay", endpoint, endpoint, replayed=count)
            return count

        return self._database.writing(work)

    def drop(self, endpoint: Endpoint, letter: DeadLetter) -> None:
        """Forget a dead letter: it was taken."""
        self._database.write(queries.DROP_LETTER, {"uid": letter_uid(endpoint, letter.seq)})


def letter_uid(endpoint: Endpoint, seq: int) -> str:
    """The key of an endpoint's dead letter: keys sort as the sequence does."""
    return seq_uid(endpoint.uid, seq)


def secrets_text(valid: Sequence[Secret]) -> str:
    """Secrets as a node holds them."""
    return orjson.dumps([[each.text, each.until_us] for each in valid]).decode()


def endpoint_of(row: EndpointRow) -> Endpoint:
    """The endpoint of a node's properties."""
    node = row["endpoint"]
    return Endpoint(
        node["uid"],
        node["tenant"],
        node["endpoint_id"],
        node["url"],
        tuple(node["types"]),
        node.get("budget_uid"),
        node.get("description"),
        node["enabled"],
        node["created_at_us"],
        node["cursor_seq"],
        node["attempts"],
        node["next_attempt_us"],
        node.get("last_error"),
        tuple(Secret(*each) for each in orjson.loads(node["secrets"])),
        node.get("lease_owner"),
        node["lease_until_us"],
        node.get("replaying", False),
    )


def _audit(
    transaction: Transaction,
    author: str | None,
    action: str,
    before: Endpoint | None,
    after: Endpoint | None,
    **more: object,
) -> None:
    """Put an act on the record, with the endpoint before and after; its secrets stay out."""
    endpoint = after or before
    if endpoint is None:
        return
    told = [None if each is None else _told(each) for each in (before, after)]
    if told[1] is not None:
        told[1] |= more
    entry = act(endpoint.tenant, author, action, endpoint.endpoint_id, endpoint.budget_uid, *told)
    write_entries(transaction, [entry])


def _told(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "url": endpoint.url,
        "types": list(endpoint.types),
        "description": endpoint.description,
        "enabled": endpoint.enabled,
        "secrets": len(endpoint.secrets),
    }


def _first(rows: Sequence[EndpointRow]) -> Endpoint | None:
    return endpoint_of(rows[0]) if rows else None


def _letter(row: queries.LetterRow) -> dict[str, Any]:
    return {name: value for name, value in row["letter"].items() if name != "uid"}


def _now_us() -> int:
    return time.time_ns() // 1_000

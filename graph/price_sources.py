"""Price sources in the graph: ``(:PriceSource)-[:HOLDS_BACK]->(:HeldPrice)``, and the lease on a refresh.

Whoever has the lease is the only one that refreshes a source. One that outlives its lease does no harm: what
it told the ledger is the same that the next one tells, and its outcome is not taken.
"""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any, Final

import orjson

from cypher import price_sources as queries
from cypher.query import NoParams
from graph.agents import uid_range
from graph.audit import act, write_entries
from graph.database import Database, Transaction
from graph.ledger.price_rows import CHUNK, Properties, card_properties, revision_of
from ledger.model import uid_of
from ledger.price_sources import (
    ATTEMPTS_MAX,
    SOURCES_MAX,
    Attempt,
    HeldPrice,
    HeldState,
    RefreshOutcome,
    StoredSource,
)
from ledger.refresh import Held
from pricing.cards import MILLION, RateCard
from pricing.currency import ExchangeRate
from pricing.prices import Revision
from pricing.review import Jump, Verdict
from pricing.sources import Offered, PriceSource, SourceKind
from pricing.view import price_for

LEASE_SECONDS: Final = 180.0
"""For how long the lease of a process that died keeps the others waiting: longer than a refresh takes."""
DUE_MAX: Final = 20


class PriceSources:
    """The sources of a database. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Work on a database, as one owner of leases."""
        self._database = database
        self._owner = uuid.uuid4().hex

    def put(self, stored: StoredSource) -> StoredSource:
        """Set up a source, or anew: what was read is forgotten, what failed too; what is held stays."""
        properties = {
            **_source_properties(stored),
            **_status_properties(stored),
            "lease_until_us": 0,
            "lease_owner": None,
        }
        tenant, source_id = stored.tenant, stored.source.source_id
        uid = uid_of(tenant, source_id)

        def work(transaction: Transaction) -> StoredSource:
            known = [_stored_of(row["source"], 0) for row in transaction.run(queries.GET, {"uid": uid})]
            (row,) = transaction.run(queries.PUT, {"uid": uid, "properties": properties})
            before = asdict(known[0].source) if known else None
            after = asdict(stored.source)
            if before != after:
                entry = act(tenant, stored.author, "price_source.put", source_id, None, before, after)
                write_entries(transaction, [entry])
            return _stored_of(row["source"], stored.waiting)

        return self._database.writing(work)

    def get(self, tenant: str, source_id: str) -> StoredSource | None:
        """A source."""
        rows = self._database.read(queries.GET, {"uid": uid_of(tenant, source_id)})
        return next((_stored_of(row["source"], row["waiting"]) for row in rows), None)

    def page(self, tenant: str, first: int = SOURCES_MAX) -> list[StoredSource]:
        """A tenant's sources, by id."""
        after_uid, before_uid = uid_range(tenant)
        rows = self._database.read(
            queries.PAGE, {"after_uid": after_uid, "before_uid": before_uid, "first": first}
        )
        return [_stored_of(row["source"], row["waiting"]) for row in rows]

    def remove(self, tenant: str, source_id: str, author: str | None) -> None:
        """Forget a source and what it held back. Its prices hold on, until somebody withdraws them."""
        uid = uid_of(tenant, source_id)

        def work(transaction: Transaction) -> None:
            for row in transaction.run(queries.GET, {"uid": uid}):
                before = asdict(_stored_of(row["source"], 0).source)
                entry = act(tenant, author, "price_source.remove", source_id, None, before, None)
                write_entries(transaction, [entry])
            transaction.run_consume(queries.REMOVE, {"uid": uid})

        self._database.writing(work)

    def due(self, now_us: int) -> list[tuple[str, str]]:
        """Sources whose time has come, of every tenant: (tenant, id)."""
        rows = self._database.read(queries.DUE, {"now_key": _due_key(now_us), "first": DUE_MAX})
        return [_parts(row["uid"]) for row in rows]

    def lease(self, tenant: str, source_id: str) -> StoredSource | None:
        """Take a source's lease: how it is set up now. None where somebody else has it, or it is gone."""
        now_us = time.time_ns() // 1_000
        rows = self._database.write(
            queries.LEASE,
            {
                "uid": uid_of(tenant, source_id),
                "owner": self._owner,
                "now_us": now_us,
                "until_us": now_us + int(LEASE_SECONDS * 1_000_000),
            },
        )
        return next((_stored_of(row["source"], 0) for row in rows), None)

    def finish(
        self, stored: StoredSource, attempt: Attempt, held: Sequence[Held] | None
    ) -> StoredSource | None:
        """Note how a refresh went, and give its lease back; ``held`` is all that waits now, None: as before.

        None where the lease was lost meanwhile: somebody set the source up anew, or took over.
        """
        failed = attempt.outcome is RefreshOutcome.FAILED
        failures = stored.failures + 1 if failed else 0
        after = replace(
            stored,
            attempts=(attempt, *stored.attempts)[:ATTEMPTS_MAX],
            failures=failures,
            good_at_us=stored.good_at_us if failed else attempt.at_us,
            etag=stored.etag if failed else attempt.etag,
            content_hash=stored.content_hash if failed else attempt.content_hash,
            due_at_us=stored.next_due_us(failures, attempt.at_us),
        )
        uid = uid_of(stored.tenant, stored.source.source_id)
        owned: queries.Owned = {"uid": uid, "owner": self._owner, "properties": _status_properties(after)}

        def work(transaction: Transaction) -> bool:
            if not transaction.run(queries.FINISH, owned):
                return False
            if held is not None:
                self._hold(transaction, after, attempt, held)
            return True

        return after if self._database.writing(work) else None

    def release(self, stored: StoredSource) -> None:
        """Give a lease back with nothing done: the source is as due as before."""
        uid = uid_of(stored.tenant, stored.source.source_id)
        self._database.write(queries.FINISH, {"uid": uid, "owner": self._owner, "properties": {}})

    def rejected(self, tenant: str, source_id: str) -> set[str]:
        """Fingerprints of a source's prices that an admin does not want."""
        rows = self._database.read(queries.WAITING, {"uid": uid_of(tenant, source_id)})
        return {row["fingerprint"] for row in rows if row["state"] == HeldState.REJECTED}

    def held(self, tenant: str, held_ids: Sequence[str]) -> list[HeldPrice]:
        """Those of the held prices that exist, decided or not."""
        uids = [uid_of(tenant, each) for each in held_ids]
        return [_held_of(row["held"]) for row in self._database.read(queries.HELD, {"uids": uids})]

    def held_page(
        self, tenant: str, state: HeldState, source_id: str | None, after: str | None, first: int
    ) -> list[tuple[str, HeldPrice]]:
        """The next held prices of a tenant in a state, by source and model, each with its place."""
        prefix = f"{tenant}/{state}/" + ("" if source_id is None else f"{source_id}/")
        params: queries.KeyRange = {
            "after_key": prefix if after is None else f"{tenant}/{state}/{after}",
            "before_key": f"{prefix[:-1]}0",
            "first": first,
        }
        rows = self._database.read(queries.HELD_PAGE, params)
        begin = len(f"{tenant}/{state}/")
        return [(row["held"]["state_key"][begin:], _held_of(row["held"])) for row in rows]

    def decide(
        self, tenant: str, held: Sequence[HeldPrice], state: HeldState, author: str | None, reason: str | None
    ) -> None:
        """Note what becomes of held prices; one that does not wait any more stays as it is."""
        rows = [_decision(tenant, each, state, author, reason) for each in held]
        action = "held_price.approve" if state is HeldState.APPROVED else "held_price.reject"

        def work(transaction: Transaction) -> None:
            decided = {row["uid"] for row in transaction.run(queries.DECIDE, {"rows": rows})}
            entries = [
                act(tenant, author, action, each.held_id, None, _told(each), _told(each, state, reason))
                for each in held
                if uid_of(tenant, each.held_id) in decided
            ]
            write_entries(transaction, entries)

        self._database.writing(work)

    def health(self) -> queries.HealthRow:
        """How all sources of all tenants are: for metrics."""
        (row,) = self._database.read(queries.HEALTH, NoParams())
        return row

    def _hold(
        self, transaction: Transaction, stored: StoredSource, attempt: Attempt, held: Sequence[Held]
    ) -> None:
        """Keep what waits now; what waited and is not in the document any more does not."""
        tenant, source_id = stored.tenant, stored.source.source_id
        uid = uid_of(tenant, source_id)
        rows = [_held_row(stored, attempt, each) for each in held]
        now = {row["uid"] for row in rows}
        waiting = {
            row["uid"]
            for row in transaction.run(queries.WAITING, {"uid": uid})
            if row["state"] == HeldState.HELD
        }
        new = [row for row in rows if row["uid"] not in waiting]
        if new:
            transaction.run_consume(queries.HOLD, {"rows": new})
        gone = [_parts(each)[1] for each in waiting - now]
        if gone:
            found = transaction.run(queries.HELD, {"uids": [uid_of(tenant, each) for each in gone]})
            rows = [
                _decision(tenant, _held_of(row["held"]), HeldState.SUPERSEDED, None, None) for row in found
            ]
            transaction.run(queries.DECIDE, {"rows": rows})


def _told(held: HeldPrice, state: HeldState = HeldState.HELD, reason: str | None = None) -> dict[str, Any]:
    """A held price on the record: whose it is, what jumped, and what became of it."""
    jumps = [
        {
            "unit": each.unit,
            "before_per_million": f"{price_for(each.before, MILLION):f}",
            "after_per_million": f"{price_for(each.after, MILLION):f}",
        }
        for each in held.jumps
    ]
    return {
        "source_id": held.source_id,
        "model": held.offered.key,
        "jumps": jumps,
        "state": state,
        "reason": reason,
    }


def _parts(uid: str) -> tuple[str, str]:
    tenant, _, identifier = uid.rpartition("/")  # neither kind of id has a slash in it
    return tenant, identifier


def _due_key(at_us: int) -> str:
    return f"{at_us:016d}"


def _source_properties(stored: StoredSource) -> Properties:
    """How a source is set up."""
    source = stored.source
    return {
        "tenant": stored.tenant,
        "source_id": source.source_id,
        "kind": source.kind.value,
        "location": source.location,
        "provider": source.provider,
        "region": source.region,
        "model_ids": orjson.dumps(dict(source.model_ids)).decode(),
        "every_seconds": source.every_seconds,
        "timeout_seconds": source.timeout_seconds,
        "jump_factor": str(source.jump_factor),
        "author": stored.author,
        "changed_at_us": stored.changed_at_us,
    }


def _status_properties(stored: StoredSource) -> Properties:
    """How its refreshes went."""
    return {
        "attempts": [orjson.dumps(asdict(each)).decode() for each in stored.attempts],
        "failures": stored.failures,
        "good_at_us": stored.good_at_us,
        "etag": stored.etag,
        "content_hash": stored.content_hash,
        "due_key": None if stored.due_at_us is None else _due_key(stored.due_at_us),
    }


def _stored_of(node: Mapping[str, Any], waiting: int) -> StoredSource:
    return StoredSource(
        node["tenant"],
        PriceSource(
            node["source_id"],
            SourceKind(node["kind"]),
            node["location"],
            node.get("provider"),
            node.get("region"),
            orjson.loads(node["model_ids"]),
            node.get("every_seconds"),
            node["timeout_seconds"],
            Decimal(node["jump_factor"]),
        ),
        node["author"],
        node["changed_at_us"],
        tuple(_attempt_of(orjson.loads(each)) for each in node["attempts"]),
        node["failures"],
        node.get("good_at_us"),
        node.get("etag"),
        node.get("content_hash"),
        int(node["due_key"]) if node.get("due_key") else None,
        waiting,
    )


def _attempt_of(said: dict[str, Any]) -> Attempt:
    outcome: Any = RefreshOutcome(said["outcome"])
    return Attempt(**{**said, "outcome": outcome})


def _held_row(stored: StoredSource, attempt: Attempt, held: Held) -> Properties:
    """A price that waits. The same price of the same source has the same id, whenever it is found."""
    tenant, source_id, offered = stored.tenant, stored.source.source_id, held.offered
    said = f"{source_id}/{offered.key}#{offered.fingerprint}"
    held_id = sha256(said.encode()).hexdigest()[:16]
    properties: Properties = {
        "held_id": held_id,
        "source_id": source_id,
        "key": offered.key,
        "fingerprint": offered.fingerprint,
        "cards": [
            orjson.dumps(card_properties(tenant, Revision(card), 0)).decode() for card in offered.cards
        ],
        "row": [offered.row[begin : begin + CHUNK] for begin in range(0, len(offered.row), CHUNK)],
        "rate": None if offered.rate is None else _rate_text(offered.rate),
        "jumps": [_jump_text(jump) for jump in held.jumps],
        "found_at_us": attempt.at_us,
        "version": attempt.version,
        "decided_by": None,
        "decided_at_us": None,
        "reason": None,
        **_state(tenant, source_id, offered.key, held_id, HeldState.HELD),
    }
    return {
        "uid": uid_of(tenant, held_id),
        "source_uid": uid_of(tenant, source_id),
        "properties": properties,
    }


def _state(tenant: str, source_id: str, key: str, held_id: str, state: HeldState) -> Properties:
    return {"state": state.value, "state_key": f"{tenant}/{state}/{source_id}/{key}#{held_id}"}


def _decision(
    tenant: str, held: HeldPrice, state: HeldState, author: str | None, reason: str | None
) -> Properties:
    properties: Properties = {
        **_state(tenant, held.source_id, held.offered.key, held.held_id, state),
        "decided_by": author,
        "decided_at_us": time.time_ns() // 1_000,
        "reason": reason,
    }
    return {"uid": uid_of(tenant, held.held_id), "properties": properties}


def _held_of(node: Mapping[str, Any]) -> HeldPrice:
    return HeldPrice(
        node["held_id"],
        node["source_id"],
        Offered(
            node["key"], tuple(_cards_of(node["cards"])), "".join(node["row"]), _rate_of(node.get("rate"))
        ),
        tuple(_jump_of(node["key"], orjson.loads(each)) for each in node["jumps"]),
        HeldState(node["state"]),
        node["found_at_us"],
        node["version"],
        node.get("decided_by"),
        node.get("decided_at_us"),
        node.get("reason"),
    )


def _cards_of(texts: Iterable[str]) -> Iterable[RateCard]:
    for text in texts:
        yield replace(revision_of(orjson.loads(text)).card, version="")


def _rate_text(rate: ExchangeRate) -> str:
    return orjson.dumps([rate.base, rate.quote, str(rate.rate), rate.day, rate.source]).decode()


def _rate_of(text: str | None) -> ExchangeRate | None:
    if text is None:
        return None
    base, quote, rate, day, source = orjson.loads(text)
    return ExchangeRate(base, quote, Decimal(rate), day, source)


def _jump_text(jump: Jump) -> str:
    return orjson.dumps([jump.unit, str(jump.before), str(jump.after), jump.verdict.value]).decode()


def _jump_of(key: str, said: list[str]) -> Jump:
    unit, before, after, verdict = said
    return Jump(key, unit, Fraction(before), Fraction(after), Verdict(verdict))

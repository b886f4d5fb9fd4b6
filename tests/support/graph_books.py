"""A tenant's books as they lie in a graph, and as a memory store keeps them, in one comparable form."""

from collections.abc import Mapping
from typing import Any

from graph.database import Database
from graph.ledger import GraphLedgerStore
from graph.ledger.entry_rows import forced_properties
from graph.ledger.rows import event_properties
from graph.ledger.usage_rows import usage_properties
from ledger.model import seq_uid
from ledger.ports import Wanted
from tests.support.memory import Books, parent_of

Plain = dict[str, Any]


def _present(properties: Mapping[str, Any]) -> Plain:
    return {name: value for name, value in properties.items() if value is not None}


def graph_books(database: Database, tenant: str) -> Plain:
    """What the graph holds of a tenant."""
    with GraphLedgerStore(database).transaction() as transaction:
        heads = transaction.lock([tenant], Wanted()).heads
        budgets = {each.uid: each for each in transaction.budgets(tenant, -1)}
        window_uids = [row["uid"] for row in _text(database, _WINDOWS, tenant)]
        windows = transaction.windows(window_uids)
        agents = transaction.agents([row["uid"] for row in _text(database, _AGENTS, tenant)])
        transaction.cancel()
    head = heads[tenant]
    return {
        "head": (head.seq, head.version, head.last_now_us, head.commits, head.awaited),
        "budgets": budgets,
        "windows": windows,
        "agents": agents,
        "usages": {
            row["uid"]: {**row["usage"], "path": row["path"]} for row in _text(database, _USAGES, tenant)
        },
        "entries": {
            row["uid"]: {**row["entry"], "usage": row["usage"], "path": row["path"]}
            for row in _text(database, _ENTRIES, tenant)
        },
        "paths": {
            row["uid"]: (row["chain"], row["scoped"], sorted(row["budgets"]))
            for row in _text(database, _PATHS, tenant)
        },
        "events": {row["uid"]: row["event"] for row in _text(database, _EVENTS, tenant)},
    }


def memory_books(books: Books, tenant: str) -> Plain:
    """The same of a memory store."""
    head = books.heads[tenant]
    usages: Plain = {}
    entries: Plain = {}
    for uid, operation in books.operations.items():
        usages[uid] = {**_present(usage_properties(operation)), "uid": uid, "path": operation.path_uid}
        parent_uid = parent_of(operation)
        if parent_uid is not None and parent_uid not in books.operations:
            usages[uid]["awaits_uid"] = parent_uid
        entry = operation.entry
        if entry is not None:
            usages[uid]["path"] = None
            counts = operation.usage.counts
            entries[entry.uid] = {
                **_present({**entry._asdict(), "forced": None}),
                **forced_properties(entry.forced),
                "kind": entry.kind.value,
                "charge_path": operation.path_uid,
                "operations": 1,
                "prompt_tokens": counts.prompt_tokens,
                "completion_tokens": counts.completion_tokens,
                "usage": uid,
                "path": operation.path_uid,
            }
    return {
        "head": (head.seq, head.version, head.last_now_us, head.commits, head.awaited),
        "budgets": {uid: budget for uid, (_, budget) in books.budgets.items()},
        "windows": books.windows,
        "agents": books.agents,
        "usages": usages,
        "entries": entries,
        "paths": {
            uid: (list(path.chain), list(path.scoped), sorted(path.budget_uids))
            for uid, path in books.paths.items()
        },
        "events": {
            seq_uid(tenant, event.seq): {**event_properties(event), "uid": seq_uid(tenant, event.seq)}
            for event in books.events
        },
    }


def _text(database: Database, text: Any, tenant: str) -> list[Plain]:
    return database.reading(lambda transaction: transaction.run_text(text, {"tenant": tenant}))


_WINDOWS = """MATCH (w:Window) WHERE w.uid STARTS WITH $tenant + '/' RETURN w.uid AS uid"""
_AGENTS = """MATCH (a:Agent) WHERE a.tenant = $tenant RETURN a.uid AS uid"""
_USAGES = """MATCH (:Agent)-[:CONSUMED]->(u:TokenUsage) WHERE u.tenant = $tenant
OPTIONAL MATCH (u)-[:CHARGED_TO]->(p:ChargePath)
RETURN u.uid AS uid, properties(u) AS usage, p.uid AS path"""
_ENTRIES = """MATCH (u:TokenUsage)-[:INCURRED]->(e:CostEntry)-[:CHARGED_TO]->(p:ChargePath)
WHERE e.tenant = $tenant
RETURN e.uid AS uid, properties(e) AS entry, u.uid AS usage, p.uid AS path"""
_PATHS = """MATCH (p:ChargePath)-[:LEADS_TO]->(b:Budget) WHERE p.tenant = $tenant
RETURN p.uid AS uid, p.chain AS chain, p.scoped AS scoped, collect(b.uid) AS budgets"""
_EVENTS = """MATCH (e:Event) WHERE e.tenant = $tenant RETURN e.uid AS uid, properties(e) AS event"""

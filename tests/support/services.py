"""The services of one process on a test's database, and callers who ask its GraphQL schema."""

import asyncio
import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from graph.check import Check
from graph.database import Database
from graph.ledger import GraphLedgerStore, Trees
from graph.rollups import Rollups
from ledger.access import Principal, Role
from ledger.committer import Committer, system_clock
from ledger.model import uid_of
from ledger.ports import Clock
from ledger.reservations import ReservationService
from ledger.service import LedgerService
from pricing.bounds import Bounds, load_models
from pricing.catalogue import Catalogue, load_catalogue
from pricing.quote import Pricer
from pricing.resources import price_lists
from resolvers import Context, Services, build_schema
from resolvers.build import Schema
from server.archives.archiver import Archiver, Retention
from server.archives.reading import ArchiveReader
from server.deliveries import vet_url
from server.metrics import Metrics
from server.outbound import Outbound, Policy
from server.refresh import Refresher

LOOPBACK = Policy((ip_network("127.0.0.0/8"),), http=True)
"""Price sources of tests are servers of tests."""


@cache
def catalogue() -> Catalogue:
    """The price catalogue, loaded once."""
    return load_catalogue()


@cache
def schema() -> Schema:
    """The schema, built once."""
    return build_schema()


@contextlib.contextmanager
def open_services(
    database: Database,
    clock: Clock = system_clock,
    *,
    policy: Policy = LOOPBACK,
    files_dir: Path | None = None,
    archive_dir: Path | None = None,
) -> Generator[Services]:
    """The services of a process, with a committer of their own; ``clock`` is its time."""
    lists = price_lists(catalogue())
    committer = Committer(GraphLedgerStore(database), clock=clock, lists=lists)
    trees = Trees(database)
    pricer = Pricer(lists)
    committer.start()
    try:
        services = Services.on(
            database,
            ledger=LedgerService(committer, pricer),
            reserving=ReservationService(committer, pricer, Bounds(pricer, load_models(), catalogue())),
            trees=trees,
            rollups=Rollups(database, trees),
            check=Check(database, trees),
            lists=lists,
            vet_url=partial(vet_url, Outbound(Policy())),
        )
        refresher = Refresher(
            services.price_sources,
            services.prices,
            committer,
            Outbound(policy),
            catalogue(),
            files_dir=files_dir,
            clock=clock,
        )
        archiver = Archiver(
            services.archives,
            committer,
            Retention(archive_dir),
            services.reservations.tenants,
            Metrics(),
            clock=clock,
        )
        yield replace(
            services,
            clock=clock,
            refreshing=refresher,
            archiving=archiver,
            reading_archives=ArchiveReader(services.archives, archive_dir),
        )
    finally:
        committer.stop()


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    data: Any
    errors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def code(self) -> str | None:
        """The code of the only error; None where there is none."""
        if not self.errors:
            return None
        (error,) = self.errors
        return error["extensions"]["code"]

    @property
    def field(self) -> str | None:
        """The input that the only error names."""
        (error,) = self.errors
        return error["extensions"].get("field")


@dataclass(frozen=True)
class Caller:
    """A key that asks GraphQL. Every call is a request of its own."""

    services: Services
    principal: Principal

    def ask(self, query: str, **variables: Any) -> Answer:
        """The answer to an operation."""
        return asyncio.run(self.asked(query, **variables))

    async def asked(self, query: str, **variables: Any) -> Answer:
        """The same in a running event loop."""
        context = Context(self.services, self.principal)
        result = await schema().execute(query, variables, context_value=context)
        return Answer(result.data, [dict(error.formatted) for error in result.errors or ()])

    def get(self, query: str, **variables: Any) -> Any:
        """The data of an operation that must succeed."""
        answer = self.ask(query, **variables)
        assert not answer.errors, answer.errors
        return answer.data

    def confined(self, budget_id: str, role: Role = Role.ADMIN, key_id: str = "confined") -> "Caller":
        """A key of the same tenant that is confined to a budget."""
        tenant = self.principal.tenant
        return Caller(self.services, Principal(key_id, tenant, role, uid_of(tenant, budget_id)))

    def as_role(self, role: Role) -> "Caller":
        """A key of the same tenant with another role."""
        return Caller(self.services, Principal(f"{role.value}-key", self.principal.tenant, role))


def admin_of(services: Services, tenant: str) -> Caller:
    """An admin of a whole tenant (not the deployment's own key)."""
    return Caller(services, Principal("an-admin", tenant, Role.ADMIN))


CREATE_BUDGET = "mutation($input: CreateBudgetInput!) { createBudget(input: $input) { budgetId } }"
RECORD = """
mutation($inputs: [RecordUsageInput!]!) {
  recordUsages(inputs: $inputs) {
    __typename
    ... on RecordedUsage {
      operationId duplicate pricing costEntry { totalCost promptCost completionCost otherCost currency }
      warnings { code message budgetId limit spent utilization threshold late }
    }
    ... on OperationConflict { operationId message }
    ... on InvalidUsage { operationId code field message }
  }
}
"""


def budget(caller: Caller, budget_id: str, parent: str | None = None, **fields: Any) -> None:
    """Create a budget."""
    said = {"budgetId": budget_id, "parentBudgetId": parent, "budgetType": "PROJECT", **fields}
    caller.get(CREATE_BUDGET, input=said)


def usage(operation_id: str, **fields: Any) -> dict[str, Any]:
    """One usage as a client says it: 1,000 tokens in and 100 out of gpt-4o."""
    return {
        "operationId": operation_id,
        "agentId": "agent",
        "capabilityType": "chat",
        "modelId": "gpt-4o",
        "provider": "openai",
        "promptTokens": 1000,
        "completionTokens": 100,
        **fields,
    }


def record(caller: Caller, *usages: dict[str, Any]) -> list[dict[str, Any]]:
    """Record some usages."""
    results: list[dict[str, Any]] = caller.get(RECORD, inputs=list(usages))["recordUsages"]
    return results

"""Why entries cost what they do."""

from collections.abc import Mapping, Sequence

from ledger.explain import Derivation, Priced, explain_entry
from ledger.model import CostEntry
from pricing.prices import Prices
from resolvers.request import Request


async def load_derivations(request: Request, entries: list[CostEntry]) -> list[Derivation]:
    """The derivation of each entry, by the prices as they were known when it was written."""
    books, tenant = request.services.prices, request.principal.tenant
    priced = await request.read(books.priced, [entry.uid for entry in entries])
    prices = await request.read(books.get, tenant)
    return await request.read(_derived, entries, prices, priced)


def _derived(entries: Sequence[CostEntry], prices: Prices, priced: Mapping[str, Priced]) -> list[Derivation]:
    return [
        explain_entry(prices, entry, priced[entry.uid])
        if entry.uid in priced
        else Derivation((), None, entry.currency, exact=False)
        for entry in entries
    ]

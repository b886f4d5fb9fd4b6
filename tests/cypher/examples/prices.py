"""Examples of what is said about prices, and of what months have used."""

from cypher import ledger, prices
from tests.cypher.examples import Example, Given

TENANT = "example-prices"
FIRST, SECOND = f"{TENANT}/card#1", f"{TENANT}/card#2"
BUDGET = f"{TENANT}/acme"
KEY = f"{TENANT}/{5:016d}"
CARDS: ledger.Rows = {
    "rows": [{"uid": uid, "properties": {"tenant": TENANT, "version_key": KEY}} for uid in (FIRST, SECOND)]
}
SHEETS: ledger.Rows = {"rows": [{"uid": f"{TENANT}/EUR/20000/5/ecb", "properties": {"version_key": KEY}}]}
FILES: ledger.Rows = {"rows": [{"uid": f"{TENANT}/litellm#1", "properties": {"version_key": KEY}}]}
MONTH = f"{BUDGET}@2026-11/egress_gb"
MONTHS: ledger.Rows = {"rows": [{"uid": MONTH, "counts": [0] * 18, "quantity_nano": 7}]}
SAID: tuple[Given, ...] = (
    (prices.WRITE_CARDS, CARDS),
    (prices.WRITE_SHEETS, SHEETS),
    (prices.WRITE_FILES, FILES),
)
ENTRY = f"{TENANT}/{1:016d}"
CHARGED = (
    "CREATE (u:TokenUsage {uid: 'example-prices/op', charge_path: 'example-prices/path'})-[:INCURRED]->"
    "(e:CostEntry {uid: 'example-prices/0000000000000001'})-[:CHARGED_TO]->"
    "(p:ChargePath {uid: 'example-prices/path', chain: ['example-prices/acme'], scoped: []})"
)
UNPRICED = (
    "CREATE (:TokenUsage {uid: 'example-prices/unpriced', charge_path: 'example-prices/waiting'}) "
    "CREATE (:ChargePath {uid: 'example-prices/waiting', chain: ['example-prices/acme'], scoped: []})"
)

EXAMPLES = (
    Example(prices.SAID, {"from_key": f"{TENANT}/", "to_key": f"{TENANT}0"}, SAID),
    Example(prices.WRITE_CARDS, CARDS),
    Example(
        prices.LINK_CONTRACTS,
        {"rows": [{"uid": FIRST, "budget_uid": BUDGET}]},
        (SAID[0], "CREATE (:Budget {uid: 'example-prices/acme'})"),
    ),
    Example(prices.LINK_REVISIONS, {"rows": [{"uid": SECOND, "before_uid": FIRST}]}, (SAID[0],)),
    Example(prices.WRITE_SHEETS, SHEETS),
    Example(prices.WRITE_FILES, FILES),
    Example(prices.WRITE_MONTHS, MONTHS),
    Example(prices.MONTHS, {"uids": [MONTH, "unknown"]}, ((prices.WRITE_MONTHS, MONTHS),)),
    Example(prices.BILLS, {"uids": [f"{TENANT}/op", f"{TENANT}/unpriced"]}, (CHARGED, UNPRICED)),
    Example(prices.PRICED, {"uids": [ENTRY]}, (CHARGED,)),
)

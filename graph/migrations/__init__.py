"""The versions of the graph's schema, in order, and how a graph is brought up to the newest.

A migration is never edited once released: a new one is added. (Until the first release, migration 1
takes new constraints and indexes; a graph made before that is thrown away.) The property of every
index of one property has a type beside it: a test says so.
"""

from cypher import migrations as statements
from graph.migrations.migrate import Migration, migrate

__all__ = ["MIGRATIONS", "Migration", "migrate"]

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        version=1,
        name="first schema",
        types=(
            statements.TYPE_LEDGER_UID,
            statements.TYPE_FOLD_UID,
            statements.TYPE_BUDGET_UID,
            statements.TYPE_BUDGET_TENANT,
            statements.TYPE_LIMIT_UID,
            statements.TYPE_WINDOW_UID,
            statements.TYPE_CHARGE_PATH_UID,
            statements.TYPE_CHARGE_PATH_TENANT,
            statements.TYPE_AGENT_UID,
            statements.TYPE_TOKEN_USAGE_UID,
            statements.TYPE_TOKEN_USAGE_AGENT_KEY,
            statements.TYPE_TOKEN_USAGE_PATH_KEY,
            statements.TYPE_TOKEN_USAGE_SESSION_UID,
            statements.TYPE_TOKEN_USAGE_TIME_KEY,
            statements.TYPE_TOKEN_USAGE_UNPRICED_KEY,
            statements.TYPE_COST_ENTRY_UID,
            statements.TYPE_EVENT_UID,
            statements.TYPE_API_KEY_UID,
            statements.TYPE_API_KEY_HASH,
            statements.TYPE_ROLLUP_UID,
            statements.TYPE_CELLS_UID,
            statements.TYPE_REQUEST_UID,
            statements.TYPE_RESERVATION_EXPIRY_KEY,
            statements.TYPE_RESERVATION_UID,
            statements.TYPE_RESOURCE_UID,
            statements.TYPE_RATE_CARD_UID,
            statements.TYPE_RATE_SHEET_UID,
            statements.TYPE_PRICE_FILE_UID,
            statements.TYPE_MONTH_USE_UID,
            statements.TYPE_RATE_CARD_VERSION_KEY,
            statements.TYPE_RATE_SHEET_VERSION_KEY,
            statements.TYPE_PRICE_FILE_VERSION_KEY,
        ),
        schema=(
            statements.UNIQUE_LEDGER_UID,
            statements.UNIQUE_FOLD_UID,
            statements.UNIQUE_BUDGET_UID,
            statements.UNIQUE_LIMIT_UID,
            statements.UNIQUE_WINDOW_UID,
            statements.UNIQUE_CHARGE_PATH_UID,
            statements.UNIQUE_AGENT_UID,
            statements.UNIQUE_TOKEN_USAGE_UID,
            statements.UNIQUE_COST_ENTRY_UID,
            statements.UNIQUE_EVENT_UID,
            statements.UNIQUE_API_KEY_UID,
            statements.UNIQUE_ROLLUP_UID,
            statements.UNIQUE_CELLS_UID,
            statements.UNIQUE_REQUEST_UID,
            statements.UNIQUE_RESERVATION_UID,
            statements.UNIQUE_RESOURCE_UID,
            statements.UNIQUE_RATE_CARD_UID,
            statements.UNIQUE_RATE_SHEET_UID,
            statements.UNIQUE_PRICE_FILE_UID,
            statements.UNIQUE_MONTH_USE_UID,
            statements.INDEX_AGENT_BY_TENANT_AND_AGENT_ID,
            statements.INDEX_API_KEY_BY_HASH,
            statements.INDEX_BUDGET_BY_TENANT,
            statements.INDEX_CHARGE_PATH_BY_TENANT,
            statements.INDEX_RESERVATION_BY_EXPIRY_KEY,
            statements.INDEX_TOKEN_USAGE_BY_SESSION_UID,
            statements.INDEX_TOKEN_USAGE_BY_TIME_KEY,
            statements.INDEX_TOKEN_USAGE_BY_PATH_KEY,
            statements.INDEX_TOKEN_USAGE_BY_AGENT_KEY,
            statements.INDEX_TOKEN_USAGE_BY_UNPRICED_KEY,
            statements.INDEX_RATE_CARD_BY_VERSION_KEY,
            statements.INDEX_RATE_SHEET_BY_VERSION_KEY,
            statements.INDEX_PRICE_FILE_BY_VERSION_KEY,
        ),
    ),
)

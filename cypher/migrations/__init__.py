"""The schema of the graph: unique constraints, indexes, and the record of which were applied.

Which version of the graph needs which of them: ``graph/migrations``.
"""

from typing import TypedDict

from cypher.query import CypherQuery, NoParams, NoRow


class AppliedRow(TypedDict):
    """One migration that this graph has seen; ``checksum`` covers its names and texts."""

    version: int
    name: str
    checksum: str


class RecordParams(TypedDict):
    """One migration that has just been applied."""

    version: int
    name: str
    checksum: str
    applied_at_us: int


class RecordRow(TypedDict):
    """The version that was recorded."""

    version: int


def _schema(name: str) -> CypherQuery[NoParams, NoRow]:
    return CypherQuery(f"migrations/{name}", NoParams, NoRow)


APPLIED: CypherQuery[NoParams, AppliedRow] = CypherQuery("migrations/applied", NoParams, AppliedRow)
RECORD: CypherQuery[RecordParams, RecordRow] = CypherQuery("migrations/record", RecordParams, RecordRow)

UNIQUE_MIGRATION_VERSION = _schema("unique_migration_version")
UNIQUE_LEDGER_UID = _schema("unique_ledger_uid")
UNIQUE_FOLD_UID = _schema("unique_fold_uid")
UNIQUE_BUDGET_UID = _schema("unique_budget_uid")
UNIQUE_LIMIT_UID = _schema("unique_limit_uid")
UNIQUE_WINDOW_UID = _schema("unique_window_uid")
UNIQUE_CHARGE_PATH_UID = _schema("unique_charge_path_uid")
UNIQUE_AGENT_UID = _schema("unique_agent_uid")
UNIQUE_TOKEN_USAGE_UID = _schema("unique_token_usage_uid")
UNIQUE_COST_ENTRY_UID = _schema("unique_cost_entry_uid")
UNIQUE_EVENT_UID = _schema("unique_event_uid")
UNIQUE_AUDIT_ENTRY_UID = _schema("unique_audit_entry_uid")
UNIQUE_ARCHIVE_UID = _schema("unique_archive_uid")
UNIQUE_RETENTION_UID = _schema("unique_retention_uid")
UNIQUE_NOTICE_UID = _schema("unique_notice_uid")
UNIQUE_OVERRIDE_UID = _schema("unique_override_uid")
UNIQUE_TOP_UP_UID = _schema("unique_top_up_uid")
UNIQUE_API_KEY_UID = _schema("unique_api_key_uid")
UNIQUE_ROLLUP_UID = _schema("unique_rollup_uid")
UNIQUE_CELLS_UID = _schema("unique_cells_uid")
UNIQUE_REQUEST_UID = _schema("unique_request_uid")
UNIQUE_RESERVATION_UID = _schema("unique_reservation_uid")
UNIQUE_RESOURCE_UID = _schema("unique_resource_uid")
UNIQUE_RATE_CARD_UID = _schema("unique_rate_card_uid")
UNIQUE_RATE_SHEET_UID = _schema("unique_rate_sheet_uid")
UNIQUE_PRICE_FILE_UID = _schema("unique_price_file_uid")
UNIQUE_MONTH_USE_UID = _schema("unique_month_use_uid")
UNIQUE_EXPERIMENT_UID = _schema("unique_experiment_uid")
UNIQUE_MEMBER_UID = _schema("unique_member_uid")
UNIQUE_EVALUATION_UID = _schema("unique_evaluation_uid")
UNIQUE_SELECTION_UID = _schema("unique_selection_uid")
UNIQUE_WEBHOOK_ENDPOINT_UID = _schema("unique_webhook_endpoint_uid")
UNIQUE_DEAD_LETTER_UID = _schema("unique_dead_letter_uid")

INDEX_AGENT_BY_TENANT_AND_AGENT_ID = _schema("index_agent_by_tenant_and_agent_id")
INDEX_API_KEY_BY_HASH = _schema("index_api_key_by_hash")
INDEX_BUDGET_BY_TENANT = _schema("index_budget_by_tenant")
INDEX_CHARGE_PATH_BY_TENANT = _schema("index_charge_path_by_tenant")
INDEX_RESERVATION_BY_EXPIRY_KEY = _schema("index_reservation_by_expiry_key")
INDEX_TOKEN_USAGE_BY_AWAITS_UID = _schema("index_token_usage_by_awaits_uid")
INDEX_TOKEN_USAGE_BY_SESSION_UID = _schema("index_token_usage_by_session_uid")
INDEX_TOKEN_USAGE_BY_TIME_KEY = _schema("index_token_usage_by_time_key")
INDEX_TOKEN_USAGE_BY_PATH_KEY = _schema("index_token_usage_by_path_key")
INDEX_TOKEN_USAGE_BY_AGENT_KEY = _schema("index_token_usage_by_agent_key")
INDEX_TOKEN_USAGE_BY_UNPRICED_KEY = _schema("index_token_usage_by_unpriced_key")
INDEX_NOTICE_BY_DUE_KEY = _schema("index_notice_by_due_key")
INDEX_OVERRIDE_BY_OPEN_KEY = _schema("index_override_by_open_key")
INDEX_OVERRIDE_BY_TIME_KEY = _schema("index_override_by_time_key")
INDEX_RESERVATION_BY_OVERRIDE_UID = _schema("index_reservation_by_override_uid")
INDEX_TOKEN_USAGE_BY_AWAITING_KEY = _schema("index_token_usage_by_awaiting_key")
INDEX_RATE_CARD_BY_VERSION_KEY = _schema("index_rate_card_by_version_key")
INDEX_RATE_SHEET_BY_VERSION_KEY = _schema("index_rate_sheet_by_version_key")
INDEX_PRICE_FILE_BY_VERSION_KEY = _schema("index_price_file_by_version_key")

# The embedded engine walks an index in order only where the property's type is declared.
TYPE_LEDGER_UID = _schema("type_ledger_uid")
TYPE_FOLD_UID = _schema("type_fold_uid")
TYPE_BUDGET_UID = _schema("type_budget_uid")
TYPE_BUDGET_TENANT = _schema("type_budget_tenant")
TYPE_LIMIT_UID = _schema("type_limit_uid")
TYPE_WINDOW_UID = _schema("type_window_uid")
TYPE_CHARGE_PATH_UID = _schema("type_charge_path_uid")
TYPE_CHARGE_PATH_TENANT = _schema("type_charge_path_tenant")
TYPE_AGENT_UID = _schema("type_agent_uid")
TYPE_TOKEN_USAGE_UID = _schema("type_token_usage_uid")
TYPE_TOKEN_USAGE_AGENT_KEY = _schema("type_token_usage_agent_key")
TYPE_TOKEN_USAGE_PATH_KEY = _schema("type_token_usage_path_key")
TYPE_TOKEN_USAGE_AWAITS_UID = _schema("type_token_usage_awaits_uid")
TYPE_TOKEN_USAGE_SESSION_UID = _schema("type_token_usage_session_uid")
TYPE_TOKEN_USAGE_TIME_KEY = _schema("type_token_usage_time_key")
TYPE_TOKEN_USAGE_UNPRICED_KEY = _schema("type_token_usage_unpriced_key")
TYPE_TOKEN_USAGE_AWAITING_KEY = _schema("type_token_usage_awaiting_key")
TYPE_COST_ENTRY_UID = _schema("type_cost_entry_uid")
TYPE_EVENT_UID = _schema("type_event_uid")
TYPE_NOTICE_UID = _schema("type_notice_uid")
TYPE_NOTICE_DUE_KEY = _schema("type_notice_due_key")
TYPE_OVERRIDE_UID = _schema("type_override_uid")
TYPE_OVERRIDE_OPEN_KEY = _schema("type_override_open_key")
TYPE_OVERRIDE_TIME_KEY = _schema("type_override_time_key")
TYPE_RESERVATION_OVERRIDE_UID = _schema("type_reservation_override_uid")
TYPE_AUDIT_ENTRY_UID = _schema("type_audit_entry_uid")
TYPE_ARCHIVE_UID = _schema("type_archive_uid")
TYPE_RETENTION_UID = _schema("type_retention_uid")
TYPE_TOP_UP_UID = _schema("type_top_up_uid")
TYPE_API_KEY_UID = _schema("type_api_key_uid")
TYPE_API_KEY_HASH = _schema("type_api_key_hash")
TYPE_ROLLUP_UID = _schema("type_rollup_uid")
TYPE_CELLS_UID = _schema("type_cells_uid")
TYPE_REQUEST_UID = _schema("type_request_uid")
TYPE_RESERVATION_EXPIRY_KEY = _schema("type_reservation_expiry_key")
TYPE_RESERVATION_UID = _schema("type_reservation_uid")
TYPE_RESOURCE_UID = _schema("type_resource_uid")
TYPE_RATE_CARD_UID = _schema("type_rate_card_uid")
TYPE_RATE_SHEET_UID = _schema("type_rate_sheet_uid")
TYPE_PRICE_FILE_UID = _schema("type_price_file_uid")
TYPE_MONTH_USE_UID = _schema("type_month_use_uid")
TYPE_RATE_CARD_VERSION_KEY = _schema("type_rate_card_version_key")
TYPE_RATE_SHEET_VERSION_KEY = _schema("type_rate_sheet_version_key")
TYPE_PRICE_FILE_VERSION_KEY = _schema("type_price_file_version_key")
TYPE_EXPERIMENT_UID = _schema("type_experiment_uid")
TYPE_MEMBER_UID = _schema("type_member_uid")
TYPE_EVALUATION_UID = _schema("type_evaluation_uid")
TYPE_SELECTION_UID = _schema("type_selection_uid")

UNIQUE_COST_ANOMALY_UID = _schema("unique_cost_anomaly_uid")
TYPE_COST_ANOMALY_UID = _schema("type_cost_anomaly_uid")
TYPE_COST_ANOMALY_TIME_KEY = _schema("type_cost_anomaly_time_key")
INDEX_COST_ANOMALY_BY_TIME_KEY = _schema("index_cost_anomaly_by_time_key")
UNIQUE_AGREEMENT_UID = _schema("unique_agreement_uid")
TYPE_AGREEMENT_UID = _schema("type_agreement_uid")
UNIQUE_AGREEMENT_MONTH_UID = _schema("unique_agreement_month_uid")
TYPE_AGREEMENT_MONTH_UID = _schema("type_agreement_month_uid")
TYPE_AGREEMENT_VERSION_KEY = _schema("type_agreement_version_key")
INDEX_AGREEMENT_BY_VERSION_KEY = _schema("index_agreement_by_version_key")
TYPE_AGREEMENT_MONTH_DUE_KEY = _schema("type_agreement_month_due_key")
INDEX_AGREEMENT_MONTH_BY_DUE_KEY = _schema("index_agreement_month_by_due_key")
UNIQUE_PRICE_SOURCE_UID = _schema("unique_price_source_uid")
UNIQUE_HELD_PRICE_UID = _schema("unique_held_price_uid")
TYPE_PRICE_SOURCE_UID = _schema("type_price_source_uid")
TYPE_PRICE_SOURCE_DUE_KEY = _schema("type_price_source_due_key")
TYPE_HELD_PRICE_UID = _schema("type_held_price_uid")
TYPE_HELD_PRICE_STATE_KEY = _schema("type_held_price_state_key")
INDEX_PRICE_SOURCE_BY_DUE_KEY = _schema("index_price_source_by_due_key")
INDEX_HELD_PRICE_BY_STATE_KEY = _schema("index_held_price_by_state_key")
TYPE_WEBHOOK_ENDPOINT_UID = _schema("type_webhook_endpoint_uid")
TYPE_DEAD_LETTER_UID = _schema("type_dead_letter_uid")

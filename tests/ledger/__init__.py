"""The ledger room, without an engine."""

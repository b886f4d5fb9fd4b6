"""Resolvers over the real ledger, on both engines."""

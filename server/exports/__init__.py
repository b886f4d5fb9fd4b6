"""Exports: what was recorded and what it adds up to, as rows of tables never in memory as a whole."""

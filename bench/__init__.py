"""Measures, printed as JSON lines by ``scripts/bench``. Nothing here passes or fails."""

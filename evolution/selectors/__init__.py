"""Selectors: who becomes a parent, who survives. One small module each, one interface (``base.Selector``).

``selectors.registry.SELECTORS`` lists them by name; ``evolution.selections.select`` runs one and returns the
record that reproduces it.
"""

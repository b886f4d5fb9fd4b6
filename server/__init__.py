"""Composition root: the HTTP application, settings, background workers, the command line."""

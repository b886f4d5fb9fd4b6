"""The REST part described as OpenAPI 3.1: ``scripts/generate`` writes it, ``GET /openapi.json`` serves it."""

from server.openapi.document import FILE, openapi

__all__ = ["FILE", "openapi"]

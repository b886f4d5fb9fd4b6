"""GraphQL motion: root fields, loaders, permissions, error mapping, ``build_schema()``."""

from resolvers.build import build_schema
from resolvers.context import Context, Services

__all__ = ["Context", "Services", "build_schema"]

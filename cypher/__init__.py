"""Every query text of the service, one ``.cypher`` file each, typed.

A folder per aggregate; its ``__init__`` declares the queries and reads as their table of contents.
"""

from cypher.query import CypherQuery, all_queries

__all__ = ["CypherQuery", "all_queries"]

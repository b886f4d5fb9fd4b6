"""GraphQL declarations: scalars, enums, inputs, types, result unions.

A type has plain fields and one ``of``, which builds it from a row of the rooms below; its edges are
one-line calls of the request's context (``schema.context``). What is asked for at the root, and how it
is found, lives in ``resolvers``.
"""

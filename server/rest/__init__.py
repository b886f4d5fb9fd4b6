"""The REST API for machines, in the words of the GraphQL contract in snake_case."""

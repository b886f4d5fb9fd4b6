"""The GraphQL declarations."""

"""The resolvers room."""

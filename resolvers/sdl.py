"""``python -m resolvers.sdl`` writes the schema in SDL to standard output."""

import sys

from resolvers.build import build_schema


def sdl() -> str:
    """The schema in SDL, as ``schema/schema.graphql`` holds it."""
    return build_schema().as_str() + "\n"


if __name__ == "__main__":
    sys.stdout.write(sdl())

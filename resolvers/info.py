"""What a root field gets."""

from typing import Any

import strawberry

from resolvers.context import Context

Info = strawberry.Info[Context, Any]

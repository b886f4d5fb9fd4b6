"""What Schemathesis does not know by itself: our scalars, and which GraphQL errors are defects."""

from typing import Any

import schemathesis  # pyright: ignore[reportMissingImports] - in an environment of its own
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar  # pyright: ignore[reportMissingImports] - as above

SERVER_ERROR = 500
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False).map(str) | st.text(max_size=20)
INSTANTS = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | st.text(max_size=30)

scalar("Decimal", DECIMALS.map(nodes.String))
scalar("DateTime", INSTANTS.map(nodes.String))
scalar("BigInt", st.integers(-(2**70), 2**70).map(nodes.Int))
scalar("JSON", st.text(max_size=20).map(nodes.String))


@schemathesis.check  # pyright: ignore[reportUntypedFunctionDecorator] - as above
def nothing_unforeseen(_context: Any, response: Any, _case: Any) -> None:
    """A refusal has a code of ours; INTERNAL is a defect."""
    codes = [error.get("extensions", {}).get("code") for error in response.json().get("errors") or ()]
    if response.status_code >= SERVER_ERROR or "INTERNAL" in codes:
        raise AssertionError(response.text)

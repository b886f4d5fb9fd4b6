"""Examples of acts of administration."""

from cypher import audit
from tests.cypher.examples import Example

ENTRY = "CREATE (:AuditEntry {uid: 'audited/1', tenant: 'audited', action: 'budget.create'})"

EXAMPLES = (
    Example(
        audit.WRITE,
        {"rows": [{"uid": "audited/2", "properties": {"tenant": "audited", "action": "budget.close"}}]},
    ),
    Example(audit.PAGE, {"after_uid": "audited/", "before_uid": "audited0", "first": 1}, (ENTRY,)),
)

"""Examples of reading agents."""

from cypher import agents
from tests.cypher.examples import Example

FAMILY = (
    "CREATE (:Agent {uid: 'example-agents/parent', budget_uid: 'example-agents/home'})"
    "-[:PARENT_OF]->(:Agent {uid: 'example-agents/child'})"
)

EXAMPLES = (
    Example(
        agents.PAGE,
        {"after_uid": "example-agents/", "before_uid": "example-agents0", "first": 2},
        given=(FAMILY,),
    ),
    Example(
        agents.AT_HOME,
        {
            "after_uid": "example-agents/",
            "before_uid": "example-agents0",
            "budget_uids": ["example-agents/home"],
        },
        given=(FAMILY,),
    ),
    Example(
        agents.CHILDREN,
        {"rows": [{"number": 0, "uid": "example-agents/parent", "after_uid": "example-agents/"}]},
        given=(FAMILY,),
    ),
)

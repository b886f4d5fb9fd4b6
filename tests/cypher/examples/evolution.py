"""Examples of experiments."""

from cypher import evolution
from tests.cypher.examples import Example

T = "example-evolution"
KEY = f"{T}/0123"
BUDGET = "CREATE (:Budget {uid: 'example-evolution/budget'})"
EXPERIMENT = (
    "CREATE (e:Experiment {uid: 'example-evolution/experiments/e', tenant: 'example-evolution', "
    "experiment_id: 'e', budget_uid: 'example-evolution/budget', parameters: '{}', fingerprint: 'f', "
    "created_at_us: 1})"
)
AGENT = "CREATE (:Agent {uid: 'example-evolution/a'})"
MEMBER = (
    "CREATE (:Member {uid: 'example-evolution/0123/a', agent_id: 'a', generation: 1, operator: 'seed', "
    "parent_ids: ['b'], island: 'north', fingerprint: 'f'})"
)
EVALUATION = (
    "CREATE (:Evaluation {uid: 'example-evolution/0123/v', evaluation_id: 'v', agent_id: 'a', task_id: 't', "
    "role: 'evaluate', score: 0.5, seconds: 1.5, tokens: 7, cost_nano: 5, "
    "operation_uids: ['example-evolution/op'], session_uid: 'example-evolution/s', "
    "scope_uid: 'example-evolution/budget', fingerprint: 'f', log: '{}'})"
)
USAGE = (
    "CREATE (u:TokenUsage {uid: 'example-evolution/op', session_uid: 'example-evolution/s', budget_id: 'b', "
    "pricing: 'PRICED', total_tokens: 7, usage_reported: true})-[:INCURRED]->"
    "(:CostEntry {uid: 'example-evolution/0000000000000001', total_cost_nano: 5, currency: 'USD'})"
)
SELECTION = "CREATE (:Selection {uid: 'example-evolution/0123/s', record: '{}'})"
STRETCH: evolution.Stretch = {"after_uid": f"{KEY}/", "before_uid": f"{KEY}0"}
REACH: evolution.Reach = {**STRETCH, "passed": 0}
COSTS: evolution.Costs = {"uids": [f"{T}/op"], "currency": "USD"}

EXAMPLES = (
    Example(
        evolution.CREATE,
        {
            "uid": f"{T}/experiments/new",
            "budget_uid": f"{T}/budget",
            "properties": {"seed": 1, "frozen": None},
        },
        given=(BUDGET,),
    ),
    Example(evolution.EXPERIMENTS, {"uids": [f"{T}/experiments/e"]}, given=(EXPERIMENT,)),
    Example(
        evolution.PAGE,
        {
            "after_uid": f"{T}/experiments/",
            "before_uid": f"{T}/experiments0",
            "budget_uids": [f"{T}/budget"],
            "first": 2,
        },
        given=(EXPERIMENT,),
    ),
    Example(evolution.FREEZE, {"uid": f"{T}/experiments/e", "frozen": "{}"}, given=(EXPERIMENT,)),
    Example(evolution.KNOWN_MEMBERS, {"uids": [f"{KEY}/a"]}, given=(MEMBER,)),
    Example(
        evolution.WRITE_MEMBERS,
        {
            "rows": [
                {
                    "uid": f"{KEY}/a",
                    "experiment_uid": f"{T}/experiments/e",
                    "agent_uid": f"{T}/a",
                    "properties": {"generation": 0},
                }
            ]
        },
        given=(EXPERIMENT, AGENT),
    ),
    Example(evolution.MEMBER_REACH, REACH, given=(MEMBER,)),
    Example(evolution.MEMBERS, STRETCH, given=(MEMBER,)),
    Example(evolution.KNOWN_EVALUATIONS, {"uids": [f"{KEY}/v"]}, given=(EVALUATION,)),
    Example(
        evolution.WRITE_EVALUATIONS,
        {"rows": [{"uid": f"{KEY}/w", "member_uid": f"{KEY}/a", "properties": {"score": 1.0}}]},
        given=(MEMBER,),
    ),
    Example(evolution.EVALUATION_REACH, REACH, given=(EVALUATION,)),
    Example(evolution.EVALUATIONS, STRETCH, given=(EVALUATION,)),
    Example(evolution.WRITE_LOGS, {"rows": [{"uid": f"{KEY}/v", "log": "[]"}]}, given=(EVALUATION,)),
    Example(evolution.LOGS, {"uids": [f"{KEY}/v"]}, given=(EVALUATION,)),
    Example(evolution.OPERATION_COSTS, COSTS, given=(USAGE,)),
    Example(evolution.SESSION_COSTS, {**COSTS, "uids": [f"{T}/s"]}, given=(USAGE,)),
    Example(
        evolution.WRITE_SELECTION,
        {"uid": f"{KEY}/new", "experiment_uid": f"{T}/experiments/e", "properties": {"k": 1}},
        given=(EXPERIMENT,),
    ),
    Example(
        evolution.WRITE_CHOSEN,
        {"rows": [{"uid": f"{KEY}/s", "member_uid": f"{KEY}/a", "rank": 0}]},
        given=(SELECTION, MEMBER),
    ),
    Example(evolution.SELECTIONS, {"uids": [f"{KEY}/s"]}, given=(SELECTION,)),
    Example(
        evolution.SELECTION_PAGE,
        {"after_uid": f"{KEY}/", "before_uid": f"{KEY}0", "first": 2},
        given=(SELECTION,),
    ),
)

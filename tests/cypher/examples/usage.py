"""Examples of pages of usage."""

from cypher import usage
from tests.cypher.examples import Example

OPERATION = (
    "CREATE (b:Budget {uid: 'example-usage/leaf'})<-[:LEADS_TO]-(p:ChargePath {uid: 'example-usage/path'}) "
    "CREATE (u:TokenUsage {uid: 'example-usage/op', tenant: 'example-usage', operation_id: 'op', "
    "agent_id: 'a', agent_uid: 'example-usage/a', capability_type: 'chat', model_id: 'm', provider: 'p', "
    "timestamp_us: 7, recorded_at_us: 8, prompt_tokens: 2, completion_tokens: 1, total_tokens: 3, "
    "cache_read_tokens: 1, cache_write_tokens: 1, cache_write_1h_tokens: 1, reasoning_tokens: 1, "
    "audio_input_tokens: 1, "
    "audio_output_tokens: 1, image_input_tokens: 1, image_output_tokens: 1, "
    "audio_cache_read_tokens: 1, video_input_tokens: 1, video_output_tokens: 1, web_searches: 1, pages: 1, "
    "milliseconds: 1, characters: 1, requests: 1, mode: 'batch', unit: 'gb', quantity_nano: 1, "
    "user_id: 'u', session_id: 's', "
    "session_uid: 'example-usage/s', region: 'eu', category: 'api_call', outcome: 'OK', tags: '{}', "
    "usage_reported: true, parent_operation_id: 'op0', budget_id: 'leaf', charge_path: 'example-usage/path', "
    "resource_type: 'LLMTokens', pricing: 'UNPRICED', unpriced_reason: 'UNKNOWN_MODEL', "
    "time_key: 'example-usage/0000000000000007/op', agent_key: 'example-usage/a/0000000000000007/op', "
    "path_key: 'example-usage/path/0000000000000007/op', unpriced_key: 'example-usage/0000000000000001', "
    "awaiting_key: 'example-usage/0000000000000001'}) "
    "CREATE (u)-[:INCURRED]->(e:CostEntry {uid: 'example-usage/0000000000000001', seq: 1})-[:CHARGED_TO]->(p)"
)


WANTED: usage.Wanted = {
    "agent_uid": "example-usage/a",
    "paths": ["example-usage/path"],
    "pricing": None,
    "model_id": "m",
    "provider": "p",
    "user_id": None,
    "from_us": 0,
    "to_us": 9,
    "first": 10,
}


def wanted(owner: str) -> usage.WantedInRange:
    """All of one owner's key."""
    return {**WANTED, "from_key": f"{owner}/", "to_key": f"{owner}0"}


def reach(owner: str) -> usage.ReachParams:
    """How far none reach."""
    return {"from_key": f"{owner}/", "to_key": f"{owner}0", "passed": 0}


EXAMPLES = (
    Example(
        usage.AWAITING,
        {"after": "example-usage/", "before": "example-usage0", "limit": 10},
        given=(OPERATION,),
    ),
    Example(usage.TIMELINE, wanted("example-usage"), given=(OPERATION,)),
    Example(usage.TIMELINE_REACH, reach("example-usage"), given=(OPERATION,)),
    Example(usage.AGENT_TIMELINE, wanted("example-usage/a"), given=(OPERATION,)),
    Example(usage.AGENT_TIMELINE_REACH, reach("example-usage/a"), given=(OPERATION,)),
    Example(usage.PATH_TIMELINE, wanted("example-usage/path"), given=(OPERATION,)),
    Example(usage.PATH_TIMELINE_REACH, reach("example-usage/path"), given=(OPERATION,)),
    Example(usage.UNPRICED, wanted("example-usage"), given=(OPERATION,)),
    Example(usage.UNPRICED_REACH, reach("example-usage"), given=(OPERATION,)),
    Example(
        usage.SESSION,
        {
            **WANTED,
            "session_uid": "example-usage/s",
            "before_us": 7,
            "before_operation_id": "op1",
        },
        given=(OPERATION,),
    ),
    Example(usage.CHARGE_PATHS, {"budget_uid": "example-usage/leaf"}, given=(OPERATION,)),
    Example(usage.USAGES, {"uids": ["example-usage/op"]}, given=(OPERATION,)),
    Example(usage.ENTRIES, {"uids": ["example-usage/op"]}, given=(OPERATION,)),
)

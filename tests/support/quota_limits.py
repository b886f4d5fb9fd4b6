"""The quota file of the source documents, and by hand what each of its keys must become."""

from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent.parent / "data" / "quotas.toml"

LIMITS: Final[dict[str, dict[str, Any]]] = {
    "agents.max_concurrent_agents": {"meter": "LEVEL", "amount": "50", "resource": "agents"},
    "agents.max_agents_per_user": {"meter": "LEVEL", "amount": "10", "resource": "agents", "each": "USER"},
    "agents.max_lifetime_hours": {"meter": "AGE", "amount": "86400", "resource": "agents"},
    "llm.max_tokens_per_day": {"meter": "TOKENS", "window": "DAY", "amount": "1000000"},
    "llm.max_requests_per_minute": {
        "meter": "REQUESTS",
        "window": "MINUTE",
        "amount": "100",
        "resource": "llm",
    },
    "llm.max_context_length": {"meter": "TOKENS", "window": "REQUEST", "amount": "128000"},
    "llm.max_cost_per_day": {"meter": "COST", "window": "DAY", "amount": "250"},
    "sandboxes.max_concurrent_sandboxes": {"meter": "LEVEL", "amount": "20", "resource": "sandboxes"},
    "sandboxes.max_cpu_cores_total": {"meter": "LEVEL", "amount": "100", "resource": "cpu_cores"},
    "sandboxes.max_memory_gb_total": {"meter": "LEVEL", "amount": "500", "resource": "memory_gb"},
    "sandboxes.max_disk_gb_total": {"meter": "LEVEL", "amount": "2000", "resource": "disk_gb"},
    "api.max_requests_per_minute": {
        "meter": "REQUESTS",
        "window": "MINUTE",
        "amount": "1000",
        "resource": "api",
    },
    "api.max_requests_per_day": {
        "meter": "REQUESTS",
        "window": "DAY",
        "amount": "100000",
        "resource": "api",
    },
    "api.max_concurrent_connections": {"meter": "LEVEL", "amount": "100", "resource": "connections"},
    "storage.max_total_storage_gb": {"meter": "LEVEL", "amount": "1000", "resource": "storage_gb"},
    "storage.max_file_size_mb": {"meter": "SIZE", "window": "REQUEST", "amount": "500000000"},
}
"""By key, in the file's order of sections."""

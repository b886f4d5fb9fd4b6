"""Agents that somebody else's loop invents take part in an experiment before they are evaluated."""

from typing import Final

from evolution.records import AgentNode
from server.experiments.remote import Service, ServiceRefused

ENROL: Final = """
mutation($id: ID!, $rows: [RecordLineageInput!]!) {
  recordLineage(experimentId: $id, agents: $rows) {
    __typename
    ... on RefusedRow { code field message }
  }
}
"""


class RemoteEnrolment:
    """``evolution.adapters.gate.Enrol`` on a service: the same agent again changes nothing."""

    def __init__(self, service: Service, experiment_id: str) -> None:
        self._service = service
        self._experiment_id = experiment_id

    async def __call__(self, node: AgentNode) -> None:
        """Let it take part. Raises ``ServiceRefused``, ``ServiceSilent``."""
        row = {
            "agentId": node.agent_id,
            "parentAgentIds": list(node.parent_ids),
            "generation": node.generation,
            "operator": node.operator.upper(),
            "island": node.island,
        }
        found = await self._service.data(ENROL, id=self._experiment_id, rows=[row])
        (result,) = found["recordLineage"]
        if result["__typename"] == "RefusedRow":
            raise ServiceRefused(result["message"], result["code"], field=result["field"])

"""Recording usage."""

import strawberry

from ledger.access import Permission
from ledger.errors import InvalidInput
from ledger.service import BATCH_MAX
from resolvers.info import Info
from schema.access import guarded
from schema.recording import RecordUsageInput, RecordUsageResult, record_usage_result, words_of
from schema.resource_usage import RecordResourceUsageInput


@strawberry.type
class UsageMutations:
    """What can be recorded."""

    @guarded(
        Permission.RECORD,
        description="Record one operation. It always lands, whatever the budget says. "
        "Repeat it at will: the operation id is charged once.",
    )
    async def record_usage(self, info: Info, input: RecordUsageInput) -> RecordUsageResult:
        """What became of a usage."""
        info.context.renew()
        principal = info.context.principal
        return record_usage_result(await info.context.services.ledger.record(principal, words_of(input)))

    @guarded(
        Permission.RECORD,
        description="Record something that is not tokens: a result for each part. It always lands, and is "
        "charged once.",
    )
    async def record_resource_usage(
        self, info: Info, input: RecordResourceUsageInput
    ) -> list[RecordUsageResult]:
        """What became of each part."""
        info.context.renew()
        results = await info.context.services.ledger.record_many(info.context.principal, input.rows())
        return [record_usage_result(each) for each in results]

    @guarded(
        Permission.RECORD,
        description=f"Record up to {BATCH_MAX} operations: a bad one fails alone. Send them as a variable.",
    )
    async def record_usages(self, info: Info, inputs: list[RecordUsageInput]) -> list[RecordUsageResult]:
        """What became of each usage, in the order of the inputs."""
        if len(inputs) > BATCH_MAX:
            raise InvalidInput(
                f"{len(inputs)} usages in one call; at most {BATCH_MAX} are taken", field="inputs"
            )
        info.context.renew()
        rows = [words_of(each) for each in inputs]
        results = await info.context.services.ledger.record_many(info.context.principal, rows)
        return [record_usage_result(each) for each in results]

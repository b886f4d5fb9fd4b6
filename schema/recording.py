"""Recording usage: what a caller says, and what it is answered."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self, cast

import strawberry
from strawberry.types.arguments import InputContext
from strawberry.types.base import get_object_definition
from strawberry.types.union import StrawberryUnion
from strawberry.utils.str_converters import to_camel_case

from ledger import results
from pricing.normalisers import Family
from pricing.resources import UNITS
from schema.enums import Outcome, Pricing
from schema.scalars import JSON, BigInt, Decimal, InstantText
from schema.usage import CostEntry
from schema.warning import WarningType
from schema.words import field_name


class _Unsaid(int):
    """A 0 that the caller did not say: whether a count was reported at all is part of what is recorded."""


UNSAID: Final = BigInt(_Unsaid(0))


@strawberry.input(
    description="One operation. promptTokens is all that the provider bills as input, cached tokens "
    "included; completionTokens includes reasoning. Without a timestamp it happened now."
)
class RecordUsageInput:
    """One operation. Resolvers get the words of ``ledger.usage.UsageInput``, unchecked."""

    operation_id: strawberry.ID
    agent_id: strawberry.ID
    capability_type: str
    budget_id: strawberry.ID | None
    model_id: str | None
    provider: str | None
    prompt_tokens: BigInt = UNSAID
    completion_tokens: BigInt = UNSAID
    cache_read_tokens: BigInt = UNSAID
    cache_write_tokens: BigInt = UNSAID
    cache_write_1h_tokens: BigInt = UNSAID
    reasoning_tokens: BigInt = UNSAID
    audio_input_tokens: BigInt = UNSAID
    audio_output_tokens: BigInt = UNSAID
    audio_cache_read_tokens: BigInt = UNSAID
    image_input_tokens: BigInt = UNSAID
    image_output_tokens: BigInt = UNSAID
    video_input_tokens: BigInt = UNSAID
    video_output_tokens: BigInt = UNSAID
    web_searches: BigInt = UNSAID
    pages: BigInt = UNSAID
    milliseconds: BigInt = UNSAID
    characters: BigInt = UNSAID
    requests: BigInt = UNSAID
    mode: str | None = strawberry.field(
        description="How it was processed, in the provider's word: standard, batch, flex, priority, fast."
    )
    provider_usage: JSON | None = strawberry.field(
        description="The provider's own usage object, or the answer that holds it, instead of counts."
    )
    provider_family: str | None = strawberry.field(
        description=f"Whose shape providerUsage has: {', '.join(Family)}."
    )
    unit: str | None = strawberry.field(
        description=f"Of what was used where it is not tokens, with quantity: {', '.join(UNITS)}."
    )
    quantity: Decimal | None
    unit_cost: Decimal | None = strawberry.field(
        description="What one unit cost, by the caller's word; else a rate card says it."
    )
    timestamp: InstantText | None
    user_id: strawberry.ID | None
    session_id: strawberry.ID | None
    region: str | None
    parent_operation_id: strawberry.ID | None
    outcome: Outcome = Outcome.OK
    category: str = "api_call"
    provider_cost: Decimal | None
    provider_cost_currency: str = "USD"
    estimated_cost: Decimal | None = strawberry.field(
        description="What it was expected to cost, in the currency of the budget that pays: baseCost of "
        "estimate. Where it costs something else, costAnomalies has it."
    )
    tags: JSON | None


def hand_over_words(kind: type) -> None:
    """Have resolvers get an input as what the caller said, in the ledger's words, unchecked.

    That is six times faster than an object of 41 fields.
    """
    definition = get_object_definition(kind, strict=True)
    words = {to_camel_case(each.python_name): each.python_name for each in definition.fields}

    def said_words(_: type, value: Mapping[str, Any], __: InputContext) -> dict[str, Any]:
        return {words[name]: said for name, said in value.items() if said is not None and said is not UNSAID}

    definition.from_input = said_words


def words_of(said: object) -> dict[str, Any]:
    """An input whose words are handed over, as resolvers get it."""
    return cast("dict[str, Any]", said)


hand_over_words(RecordUsageInput)


@strawberry.type(description="The usage is recorded. A duplicate is answered as it was the first time.")
class RecordedUsage:
    """The usage is recorded."""

    operation_id: strawberry.ID
    duplicate: bool
    pricing: Pricing
    cost_entry: CostEntry | None
    warnings: list[WarningType]

    @classmethod
    def of(cls, row: results.RecordedUsage) -> Self:
        """From the ledger's."""
        return cls(
            operation_id=strawberry.ID(row.operation_id),
            duplicate=row.duplicate,
            pricing=row.pricing,
            cost_entry=None if row.cost_entry is None else CostEntry.of(row.cost_entry),
            warnings=[WarningType.of(each) for each in row.warnings],
        )


@strawberry.type(description="The operation id is taken by other content. Nothing was recorded.")
class OperationConflict:
    """The operation id is taken."""

    operation_id: strawberry.ID
    message: str

    @classmethod
    def of(cls, row: results.OperationConflict) -> Self:
        """From the ledger's."""
        return cls(operation_id=strawberry.ID(row.operation_id), message=row.message)


@strawberry.type(description="The usage can never be recorded as it stands. Nothing was recorded.")
class InvalidUsage:
    """The usage cannot be recorded."""

    operation_id: strawberry.ID
    code: str
    field: str | None
    message: str

    @classmethod
    def of(cls, row: results.InvalidUsage) -> Self:
        """From the ledger's."""
        field = field_name(row.field)
        message = row.message if row.field is None else row.message.replace(row.field, str(field), 1)
        return cls(operation_id=strawberry.ID(row.operation_id), code=row.code, field=field, message=message)


def _class_name(root: object, _info: object, _type: object) -> str:
    return type(root).__name__


class ByClass(StrawberryUnion):
    """A union whose members are told apart by their class alone, without looking at each type in turn."""

    def get_type_resolver(self, type_map: Any) -> Any:
        """The resolver that GraphQL asks for the name of a member's type."""
        del type_map
        return _class_name


RecordUsageResult = Annotated[
    RecordedUsage | OperationConflict | InvalidUsage, ByClass(name="RecordUsageResult")
]

_MEMBERS: Final[dict[type, Any]] = {
    results.RecordedUsage: RecordedUsage,
    results.OperationConflict: OperationConflict,
    results.InvalidUsage: InvalidUsage,
}


def record_usage_result(row: results.RecordResult) -> RecordUsageResult:
    """The member of the union for what the ledger answered."""
    member: RecordUsageResult = _MEMBERS[type(row)].of(row)
    return member

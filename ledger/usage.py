"""One billed operation as a caller reports it: validated, normalised, fingerprinted.

This is the one door: GraphQL, REST and importers hand over the same words (snake_case) and get the
same refusals.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Annotated, Any, Final

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from ledger.model import Outcome
from ledger.results import InvalidUsage
from pricing.calendar import from_datetime
from pricing.errors import PricingError
from pricing.modes import Mode
from pricing.money import from_nano, to_nano, validate_currency
from pricing.normalisers import Family, Normalised, normalise
from pricing.resources import reported_nano, type_of
from pricing.units import BILLED, Resource, TokenCounts

ID_LENGTH_MAX = 256
TAGS_BYTES_MAX = 4096


def _instant(value: object) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            msg = "is not an ISO 8601 instant such as 2026-11-22T09:00:00Z"
            raise ValueError(msg) from None
    if not isinstance(value, datetime):
        msg = "must be a string in ISO 8601 with an offset"
        raise ValueError(msg)  # noqa: TRY004 - pydantic collects ValueErrors
    if value.tzinfo is None:
        msg = "needs an offset: add Z for UTC"
        raise ValueError(msg)
    from_datetime(value)
    return value


def _money(value: object) -> Decimal:
    if isinstance(value, float):
        msg = "must be a string, so that it stays exact"
        raise ValueError(msg)  # noqa: TRY004 - pydantic collects ValueErrors
    if not isinstance(value, str | int | Decimal) or isinstance(value, bool):
        msg = "must be a decimal string"
        raise ValueError(msg)  # noqa: TRY004 - as above
    try:
        return Decimal(value)
    except InvalidOperation:
        msg = "is not a decimal number"
        raise ValueError(msg) from None


Name = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
Count = Annotated[int, Field(strict=True, ge=0, le=10**15)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Money = Annotated[Decimal, BeforeValidator(_money)]
Tags = dict[str, str | int | float | bool]


class UsageInput(BaseModel):
    """What a caller sends. ``prompt_tokens`` is all that is billed as input, cached tokens included."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    operation_id: Name
    agent_id: Name
    capability_type: Name
    budget_id: Name | None = None
    model_id: Name | None = None
    provider: Name | None = None
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    reasoning_tokens: Count = 0
    audio_input_tokens: Count = 0
    audio_output_tokens: Count = 0
    audio_cache_read_tokens: Count = 0
    image_input_tokens: Count = 0
    image_output_tokens: Count = 0
    video_input_tokens: Count = 0
    video_output_tokens: Count = 0
    web_searches: Count = 0
    pages: Count = 0
    milliseconds: Count = 0
    characters: Count = 0
    requests: Count = 0
    provider_usage: dict[str, Any] | None = None
    """The provider's own usage object, or the answer that holds it, instead of counts."""
    provider_family: Family | None = None
    """Whose shape ``provider_usage`` has."""
    mode: Name | None = None
    """How it was processed, in the provider's word; None is standard."""
    unit: Name | None = None
    """Of what was used where it is not tokens: ``cpu_core_hour``, ``egress_gb`` …"""
    quantity: Money | None = None
    unit_cost: Money | None = None
    """What one unit cost, by the caller's word: like ``provider_cost``."""
    timestamp: Instant | None = None
    user_id: Name | None = None
    session_id: Name | None = None
    region: Name | None = None
    parent_operation_id: Name | None = None
    outcome: Outcome = Outcome.OK
    category: Name = "api_call"
    provider_cost: Money | None = None
    provider_cost_currency: str = "USD"
    estimated_cost: Money | None = None
    """What it was expected to cost, in the currency of the budget that pays: compared with what it does."""
    tags: Tags | None = None


_BILLED: Final = frozenset(BILLED)
_SAYS_WHAT_WAS_USED: Final = _BILLED | {"provider_usage"}


@dataclass(frozen=True, slots=True)
class Usage:
    """A valid usage: the input, its disjoint counts, its fingerprint."""

    sent: UsageInput
    counts: TokenCounts
    timestamp_us: int | None
    provider_cost_nano: int | None
    tags_json: str | None
    fingerprint: str
    mode: Mode = Mode.STANDARD
    provider_cost_currency: str = "USD"
    resource: Resource | None = None
    """What was used where it is not tokens."""
    estimated_nano: int | None = None

    @property
    def usage_reported(self) -> bool:
        """False when nobody knows what the operation used (a failed call without any count)."""
        sent = self.sent
        return (
            sent.outcome is Outcome.OK
            or any(self.counts)
            or bool(sent.model_fields_set & _SAYS_WHAT_WAS_USED)
        )


def digest_of(text: str) -> str:
    """A short digest of a text, to name things by."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def fingerprint_of(content: Mapping[str, Any]) -> str:
    """A digest of what the caller sent, normalised; equal content gives an equal digest."""
    return blake2b(
        orjson.dumps(content, option=orjson.OPT_SORT_KEYS, default=str), digest_size=16
    ).hexdigest()


IDENTITY_LENGTH: Final = 24


def same_operation(left: str, right: str) -> bool:
    """Whether two fingerprints are of one operation, however much of it each reports."""
    return left[:IDENTITY_LENGTH] == right[:IDENTITY_LENGTH]


def _fingerprint(
    sent: UsageInput, used: Normalised, timestamp_us: int | None, cost_nano: int | None, tags_json: str | None
) -> str:
    """What the operation is, then what it amounts to: an operation that grows keeps the first half."""
    content: dict[str, Any] = {}
    amounts: dict[str, Any] = {}
    values = sent.__dict__
    # What pydantic would dump without defaults, in a third of its time: every usage comes through here.
    for name in sent.model_fields_set - _NORMALISED:
        if values[name] != _DEFAULTS[name]:
            (amounts if name in _AMOUNTS else content)[name] = values[name]
    if sent.provider_usage is not None:
        amounts |= used.counts.billed()
    if used.mode is not Mode.STANDARD:
        content["mode"] = used.mode.value
    if tags_json is not None:
        content["tags"] = tags_json
    if timestamp_us is not None:
        amounts["timestamp_us"] = timestamp_us
    if cost_nano is not None:
        amounts["provider_cost_nano"] = cost_nano
    if sent.estimated_cost is not None:
        amounts["estimated_cost_nano"] = to_nano(sent.estimated_cost, "estimated_cost")
    return fingerprint_of(content)[:IDENTITY_LENGTH] + fingerprint_of(amounts)[:IDENTITY_LENGTH]


_NORMALISED = frozenset(
    {
        "operation_id",
        "timestamp",
        "provider_cost",
        "estimated_cost",
        "tags",
        "mode",
        "provider_usage",
        "provider_family",
        "unit",
        "quantity",
        "unit_cost",
    }
)
_AMOUNTS = frozenset({*BILLED, "budget_id", "outcome", "provider_cost_currency"})
"""What may differ between reports of one operation. Its budget is the reservation's, where there is one."""
_DEFAULTS = {name: each.default for name, each in UsageInput.model_fields.items()}


def parse_usage(fields: Mapping[str, Any]) -> Usage | InvalidUsage:
    """Validate one usage. A bad one is a value, not an exception, so that it fails alone in its batch."""
    operation_id = fields.get("operation_id")
    known_id = operation_id if isinstance(operation_id, str) else ""
    try:
        sent = UsageInput.model_validate(fields)
        return _accept(sent)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        message = str(first["msg"]).removeprefix("Value error, ")
        return InvalidUsage(known_id, "INVALID", field, f"{field}: {message}")
    except PricingError as error:
        return InvalidUsage(known_id, error.code, error.field, str(error))
    except _Refused as error:
        return InvalidUsage(known_id, "INVALID", error.field, f"{error.field}: {error}")


def part_of_stream(
    usage: Usage, agent_id: str, operation_id: str, started_us: int, prompt: int, completion: int | None
) -> Usage:
    """A stream's usage as its operation's: whose, since when, and its counts so far.

    ``completion`` is None where the usage has the provider's own counts: those without a prompt have the one
    that was reserved. How it was processed is not part of what the operation is: it is known at the end.
    """
    said: dict[str, Any] = {"agent_id": agent_id, "operation_id": operation_id}
    counts = usage.counts
    if completion is not None:
        said |= {"prompt_tokens": prompt, "completion_tokens": completion}
        counts = TokenCounts.from_billed(prompt_tokens=prompt, completion_tokens=completion)
    elif usage.sent.provider_usage is None and "prompt_tokens" not in usage.sent.model_fields_set:
        said |= {"prompt_tokens": prompt}
        billed = {name: getattr(usage.sent, name) for name in BILLED}
        counts = TokenCounts.from_billed(**billed | {"prompt_tokens": prompt})
    sent = usage.sent.model_copy(update=said)
    used = Normalised(counts, Mode.STANDARD)
    fingerprint = _fingerprint(sent, used, started_us, usage.provider_cost_nano, usage.tags_json)
    return replace(usage, sent=sent, counts=counts, timestamp_us=started_us, fingerprint=fingerprint)


class _Refused(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _accept(sent: UsageInput) -> Usage:
    used, resource = _used(sent), _resource(sent)
    if resource is not None and "category" not in sent.model_fields_set:
        # No call of an API: limits on those do not count it.
        sent = sent.model_copy(update={"category": type_of(resource.unit).value})
    cost, currency = sent.provider_cost, sent.provider_cost_currency
    if cost is None and used.provider_cost is not None:
        cost, currency = used.provider_cost, "USD"
    if resource is not None and sent.unit_cost is not None:
        cost = from_nano(reported_nano(resource, sent.unit_cost))
    if sent.model_id is None and sent.outcome is Outcome.OK and cost is None and resource is None:
        raise _Refused(
            "model_id", "is required for an operation with outcome OK, unless provider_cost says what it cost"
        )
    cost_nano = None
    if cost is not None:
        validate_currency(currency, "provider_cost_currency")
        cost_nano = to_nano(cost, "provider_cost")
        if cost_nano < 0:
            raise _Refused("provider_cost", f"{cost} is negative; a refund is an adjustment")
    estimated_nano = None
    if sent.estimated_cost is not None:
        estimated_nano = to_nano(sent.estimated_cost, "estimated_cost")
        if estimated_nano < 0:
            raise _Refused("estimated_cost", f"{sent.estimated_cost} is negative")
    tags_json = _tags_json(sent.tags) if sent.tags else None
    timestamp_us = None if sent.timestamp is None else from_datetime(sent.timestamp)
    fingerprint = _fingerprint(sent, used, timestamp_us, cost_nano, tags_json)
    if resource is not None:
        fingerprint = fingerprint_of({"of": fingerprint, "resource": list(resource)})
    return Usage(
        sent,
        used.counts,
        timestamp_us,
        cost_nano,
        tags_json,
        fingerprint,
        used.mode,
        currency,
        resource,
        estimated_nano,
    )


def _resource(sent: UsageInput) -> Resource | None:
    """What was used that is not tokens. Raises ``PricingError``."""
    if sent.unit is None or sent.quantity is None:
        for name in ("unit", "quantity", "unit_cost"):
            if getattr(sent, name) is not None:
                raise _Refused(name, "goes with unit and quantity: say both")
        return None
    for name in (*BILLED, "provider_usage", "model_id"):
        if getattr(sent, name):
            raise _Refused(
                name, f"is of a model's usage, and {sent.unit} of another resource: record them apart"
            )
    if sent.unit_cost is not None and sent.provider_cost is not None:
        raise _Refused("unit_cost", "and provider_cost say the same: send one of the two")
    type_of(sent.unit)
    return Resource.of(sent.quantity, sent.unit)


_HOLDERS: Final = frozenset({"usage", "usageMetadata", "usage_metadata", "x_groq"})
"""Where answers of providers hold their usage."""


def _used(sent: UsageInput) -> Normalised:
    """What was used, by the caller's counts or by the provider's own object. Raises ``PricingError``."""
    mode = Mode.of(sent.mode, "mode")
    if sent.provider_usage is None:
        if sent.provider_family is not None:
            raise _Refused("provider_family", "says whose shape provider_usage has, which is missing")
        said = {name: sent.__dict__[name] for name in sent.model_fields_set & _BILLED}
        return Normalised(TokenCounts.from_billed(**said), mode)
    if sent.provider_family is None:
        raise _Refused("provider_family", "is missing: it says whose shape provider_usage has")
    for name in BILLED:
        if name in sent.model_fields_set:
            raise _Refused(name, "is what provider_usage says: send one of the two")
    answer: Mapping[str, Any] = sent.provider_usage
    if not _HOLDERS & answer.keys():
        answer = {"usageMetadata" if sent.provider_family is Family.GOOGLE else "usage": answer}
    try:
        used = normalise(sent.provider_family, answer)
    except PricingError as error:
        error.field = "provider_usage"
        raise
    # Answers to batches do not say that they are: the caller's word wins.
    return used if sent.mode is None else used._replace(mode=mode)


def _tags_json(tags: Mapping[str, str | float | bool]) -> str:
    try:
        encoded = orjson.dumps(tags, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise _Refused("tags", f"cannot be kept as JSON: {error}") from error
    if len(encoded) > TAGS_BYTES_MAX:
        raise _Refused("tags", f"are {len(encoded)} bytes as JSON, more than the {TAGS_BYTES_MAX} allowed")
    return encoded.decode()

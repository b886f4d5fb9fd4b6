"""Quotas: the words of a source document's file (000:640-667, 000:684) for limits; how far they are used.

A quota is a limit like any other. Its key says what it counts, its figure how much, in the unit of the key:
hours, megabytes, dollars. Nothing else distinguishes it, so a limit that was made in another way is a quota,
too, where it counts the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple, cast

from ledger.commands import AGENTS, LimitSpec
from ledger.errors import InvalidInput
from ledger.limits import key_of
from ledger.model import Budget, Limit, Meter, WindowKind
from ledger.plan import API, LLM
from ledger.windows import Standing
from pricing.errors import PricingError
from pricing.money import NANO, check_digits, from_nano, round_ratio

HOUR_SECONDS: Final = 3_600
MB_BYTES: Final = 10**6
SECOND_US: Final = 1_000_000
USER: Final = "USER"


class Quota(NamedTuple):
    """What a key of the file limits; ``per`` is how much of the limit's unit one of the key's is."""

    key: str
    meter: Meter
    window: WindowKind | None = None
    resource: str | None = None
    each: str | None = None
    per: int = 1

    @property
    def limit_key(self) -> str:
        """The key of the limit that it is."""
        return key_of(self.meter, self.window, self.resource, self.each)

    def spec(self, figure: Decimal) -> LimitSpec:
        """The limit of a figure in the key's unit. Raises ``InvalidInput``."""
        amount = figure * self.per
        if amount < 0 or amount != amount.to_integral_value():
            text = f"{self.key} ({figure}) must not be below 0, nor finer than its limit counts"
            raise InvalidInput(text, field=self.key)
        return LimitSpec(self.meter, int(amount), self.window, resource=self.resource, each=self.each)

    def figure(self, amount: int) -> Decimal:
        """An amount of the limit's unit in the key's, to nine decimals."""
        return from_nano(round_ratio(amount * NANO, self.per))


QUOTAS: Final[Mapping[str, Quota]] = {
    each.key: each
    for each in (
        Quota("agents.max_concurrent_agents", Meter.LEVEL, None, AGENTS),
        Quota("agents.max_agents_per_user", Meter.LEVEL, None, AGENTS, USER),
        Quota("agents.max_lifetime_hours", Meter.AGE, None, AGENTS, per=HOUR_SECONDS),
        Quota("llm.max_tokens_per_day", Meter.TOKENS, WindowKind.DAY),
        Quota("llm.max_requests_per_minute", Meter.REQUESTS, WindowKind.MINUTE, LLM),
        Quota("llm.max_context_length", Meter.TOKENS, WindowKind.REQUEST),
        Quota("llm.max_cost_per_day", Meter.COST, WindowKind.DAY, per=NANO),
        Quota("sandboxes.max_concurrent_sandboxes", Meter.LEVEL, None, "sandboxes"),
        Quota("sandboxes.max_cpu_cores_total", Meter.LEVEL, None, "cpu_cores"),
        Quota("sandboxes.max_memory_gb_total", Meter.LEVEL, None, "memory_gb"),
        Quota("sandboxes.max_disk_gb_total", Meter.LEVEL, None, "disk_gb"),
        Quota("api.max_requests_per_minute", Meter.REQUESTS, WindowKind.MINUTE, API),
        Quota("api.max_requests_per_day", Meter.REQUESTS, WindowKind.DAY, API),
        Quota("api.max_concurrent_connections", Meter.LEVEL, None, "connections"),
        Quota("storage.max_total_storage_gb", Meter.LEVEL, None, "storage_gb"),
        Quota("storage.max_file_size_mb", Meter.SIZE, WindowKind.REQUEST, per=MB_BYTES),
    )
}
"""By key: the file's section and name."""

_BY_LIMIT: Final = {each.limit_key: each for each in QUOTAS.values()}


def specs_of(document: Mapping[str, object]) -> dict[str, LimitSpec]:
    """The limits that a quota file means, by key. Raises ``InvalidInput``, which names what is wrong."""
    said: dict[str, object] = {}
    for section, values in document.items():
        if isinstance(values, Mapping):
            names = cast("Mapping[str, object]", values)
            said.update((f"{section}.{name}", value) for name, value in names.items())
        else:
            said[section] = values
    unknown = [key for key in said if key not in QUOTAS]
    unknown += [section for section in document if not any(key.startswith(f"{section}.") for key in QUOTAS)]
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        raise InvalidInput(f"There is no quota {names}. Quotas are {', '.join(QUOTAS)}.", field=unknown[0])
    return {key: QUOTAS[key].spec(_figure(key, value)) for key, value in said.items()}


def _figure(key: str, value: object) -> Decimal:
    figure = Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
    if figure is None or not figure.is_finite():
        raise InvalidInput(f"{key} must be a number, not {value}", field=key)
    try:
        return check_digits(figure, key)
    except PricingError as error:
        raise InvalidInput(error.message, field=key) from error


def text_of(figure: Decimal) -> str:
    """A figure as plain digits, without trailing zeros."""
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quota_of(limit: Limit) -> Quota | None:
    """The quota that a limit is, if it is one and has an amount."""
    return None if limit.amount is None else _BY_LIMIT.get(limit.key)


@dataclass(frozen=True, slots=True)
class Held:
    """What some open reservations of one user hold of one thing; figures of money are in nano-units."""

    resource: str | None
    user_id: str | None
    level: int
    oldest_us: int | None
    """When the first of them began that holds any of it."""
    cost_nano_today: int
    """What those hold that were made today."""
    tokens_today: int
    requests_this_minute: int


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A quota and how far it is used, in the unit of its key."""

    key: str
    used: Decimal
    limit: Decimal
    resets_at_us: int | None
    """When its window ends; None of what has none."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a budget uses of its quotas now. What is held counts as used, what was refused does not."""

    budget: Budget
    tokens_today: int
    cost_nano_today: int
    concurrent_agents: int
    requests_this_minute: int
    quotas: tuple[QuotaUse, ...]
    """In the order of the file."""


def level_of(held: Iterable[Held], resource: str | None) -> int:
    """How much of something is held at once."""
    return sum(each.level for each in held if each.resource == resource)


def uses(standing: Standing, held: list[Held], now_us: int) -> tuple[QuotaUse, ...]:
    """How far the quotas of a budget are used."""
    found = dict(_uses(standing, held, now_us))
    return tuple(found[key] for key in QUOTAS if key in found)


def _uses(standing: Standing, held: list[Held], now_us: int) -> Iterator[tuple[str, QuotaUse]]:
    counted = {each.limit.key: each for each in standing.limits}
    for limit in standing.budget.limits:
        quota = quota_of(limit)
        if quota is None:
            continue
        allowed, used, resets_at_us = limit.amount or 0, 0, None
        status = counted.get(limit.key)
        if status is not None and status.amount is not None:
            allowed = status.amount
        if limit.meter is Meter.LEVEL:
            used = _most_of(held, limit)
        elif limit.meter is Meter.AGE:
            began = [each.oldest_us or now_us for each in held if each.resource == limit.resource]
            used = max(0, now_us - min(began, default=now_us)) // SECOND_US
        elif status is not None:
            used, resets_at_us = status.window.spent + status.window.reserved, status.window.end_us
        # A refund of more than the window's spend leaves less than nothing, and nothing is shown.
        yield quota.key, QuotaUse(quota.key, quota.figure(max(0, used)), quota.figure(allowed), resets_at_us)


def _most_of(held: list[Held], limit: Limit) -> int:
    """What is held; of a limit for each user, what the user with the most of it holds."""
    if limit.each != USER:
        return level_of(held, limit.resource)
    users: dict[str, int] = {}
    for each in held:
        if each.user_id is not None and each.resource == limit.resource:
            users[each.user_id] = users.get(each.user_id, 0) + each.level
    return max(users.values(), default=0)

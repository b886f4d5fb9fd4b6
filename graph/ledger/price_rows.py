"""Between what is said about prices and the properties of its nodes."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from cypher.prices import SaidRow, VersionRange
from graph.ledger.agreement_rows import agreed_of
from ledger.changes import MonthUse
from pricing.cards import Hours, RateCard, RateLine
from pricing.currency import ExchangeRate
from pricing.modes import Mode
from pricing.prices import GivenRates, PriceFile, Prices, Revision
from pricing.steps import Basis, Semantics

Properties = dict[str, Any]

CHUNK: Final = 32_768
"""How much of a file one text of its node holds: an engine's page is not much larger."""


def version_key(tenant: str, version: int) -> str:
    """A key that sorts as a tenant's versions do."""
    return f"{tenant}/{version:016d}"


def since(tenant: str, version: int) -> VersionRange:
    """Whatever came after a version of a tenant's ledger."""
    return {
        "from_key": version_key(tenant, version) if version >= 0 else f"{tenant}/",
        "to_key": f"{tenant}0",
    }


def card_uid(tenant: str, revision: Revision, number: int | None = None) -> str:
    """The key of a card's version."""
    return f"{tenant}/{revision.card.card_id}#{revision.number if number is None else number}"


def card_properties(tenant: str, revision: Revision, version: int) -> Properties:
    """What a RateCard node holds beside its uid."""
    card = revision.card
    properties: Properties = {
        "tenant": tenant,
        "card_id": card.card_id,
        "revision": revision.number,
        "budget_uid": revision.budget_uid,
        "provider": card.provider,
        "model": card.model,
        "mode": None if card.mode is None else card.mode.value,
        "source": card.source,
        "currency": card.currency,
        "valid_from_us": card.valid_from_us,
        "valid_to_us": card.valid_to_us,
        "hours_from_us": None if card.hours is None else card.hours.from_us,
        "hours_to_us": None if card.hours is None else card.hours.to_us,
        "fee_ppm": card.fee_ppm or None,
        "may_raise": card.may_raise or None,
        "max_input_tokens": card.max_input_tokens,
        "max_output_tokens": card.max_output_tokens,
        "lines": orjson.dumps([_line(line) for line in card.lines]).decode(),
        "author": card.author,
        "recorded_at_us": card.recorded_at_us,
        "withdrawn": revision.withdrawn or None,
        "reason": revision.reason,
        "version_key": version_key(tenant, version),
    }
    return {name: value for name, value in properties.items() if value is not None}


def _line(line: RateLine) -> Properties:
    return {
        "unit": line.unit,
        "price": None if line.price is None else str(line.price),
        "per": line.per,
        "steps": [[above, str(price)] for above, price in line.steps],
        "semantics": line.semantics.value,
        "basis": line.basis.value,
        "discount_ppm": line.discount_ppm,
    }


def revision_of(node: Mapping[str, Any]) -> Revision:
    """The version of a card that a node holds."""
    hours = None if node.get("hours_from_us") is None else Hours(node["hours_from_us"], node["hours_to_us"])
    card = RateCard(
        card_id=node["card_id"],
        provider=node.get("provider"),
        model=node["model"],
        lines=tuple(_line_of(line) for line in orjson.loads(node["lines"])),
        source=node["source"],
        currency=node["currency"],
        mode=None if node.get("mode") is None else Mode(node["mode"]),
        valid_from_us=node["valid_from_us"],
        valid_to_us=node["valid_to_us"],
        hours=hours,
        fee_ppm=node.get("fee_ppm") or 0,
        may_raise=bool(node.get("may_raise")),
        version=str(node["revision"]),
        author=node.get("author"),
        recorded_at_us=node["recorded_at_us"],
        max_input_tokens=node.get("max_input_tokens"),
        max_output_tokens=node.get("max_output_tokens"),
    )
    return Revision(
        card, node["revision"], node.get("budget_uid"), bool(node.get("withdrawn")), node.get("reason")
    )


def _line_of(line: Mapping[str, Any]) -> RateLine:
    return RateLine(
        line["unit"],
        None if line["price"] is None else Decimal(line["price"]),
        line["per"],
        tuple((above, Decimal(price)) for above, price in line["steps"]),
        Semantics(line["semantics"]),
        Basis(line["basis"]),
        line["discount_ppm"],
    )


def sheet_uid(tenant: str, given: GivenRates) -> str:
    """The key of rates that were given together."""
    first = given.rates[0]
    return f"{tenant}/{first.base}/{first.day:05d}/{given.recorded_at_us:016d}/{first.source}"


def sheet_properties(tenant: str, given: GivenRates, version: int) -> Properties:
    """What a RateSheet node holds beside its uid."""
    first = given.rates[0]
    return {
        "tenant": tenant,
        "base": first.base,
        "day": first.day,
        "source": first.source,
        "currencies": [rate.quote for rate in given.rates],
        "rates": [str(rate.rate) for rate in given.rates],
        "author": given.author or "",
        "recorded_at_us": given.recorded_at_us,
        "version_key": version_key(tenant, version),
    }


def given_of(node: Mapping[str, Any]) -> GivenRates:
    """The rates that a node holds."""
    rates = tuple(
        ExchangeRate(node["base"], currency, Decimal(rate), node["day"], node["source"])
        for currency, rate in zip(node["currencies"], node["rates"], strict=True)
    )
    return GivenRates(rates, node["author"] or None, node["recorded_at_us"])


def file_uid(tenant: str, file: PriceFile) -> str:
    """The key of an imported file."""
    return f"{tenant}/{file.kind}#{file.number}"


def file_properties(tenant: str, file: PriceFile, version: int) -> Properties:
    """What a PriceFile node holds beside its uid; the content is packed."""
    packed = b64encode(file.packed).decode()
    said = {} if file.reason is None else {"reason": file.reason}
    return {
        **said,
        "tenant": tenant,
        "kind": file.kind,
        "number": file.number,
        "content": [packed[begin : begin + CHUNK] for begin in range(0, len(packed), CHUNK)],
        "version": file.version,
        "content_hash": file.content_hash,
        "author": file.author or "",
        "recorded_at_us": file.recorded_at_us,
        "version_key": version_key(tenant, version),
    }


def file_of(node: Mapping[str, Any]) -> PriceFile:
    """The file that a node holds."""
    return PriceFile(
        node["kind"],
        b64decode("".join(node["content"])),
        node["number"],
        node["version"],
        node["content_hash"],
        node["author"] or None,
        node["recorded_at_us"],
        node.get("reason"),
    )


def add_said(prices: Prices, said: SaidRow) -> None:
    """Add what was said to prices, in the order in which it was."""
    for node in sorted(said["cards"], key=lambda node: (node["card_id"], node["revision"])):
        prices.put(revision_of(node))
    for node in sorted(said["sheets"], key=lambda node: (node["version_key"], node["recorded_at_us"])):
        prices.put_rates(given_of(node))
    for node in sorted(said["files"], key=lambda node: node["number"]):
        prices.put_file(file_of(node))
    for node in sorted(said["agreements"], key=lambda node: (node["agreement_id"], node["number"])):
        prices.agreements.put(agreed_of(node))


def month_properties(use: MonthUse) -> Properties:
    """What a MonthUse node holds."""
    return {"uid": use.uid, "counts": list(use.counts), "quantity_nano": use.quantity_nano}

"""Terms of agreements as words: ``volume 5% above 1000, 10% above 10000``, ``reserved 500``."""

import re
from decimal import Decimal
from typing import Any, Final

from server.cli.errors import MISUSED, CliError

TIER: Final = re.compile(r"(\d+(?:\.\d+)?)% above (\d+(?:\.\d+)?)([KM]?)")
MULTIPLES: Final = {"": 1, "K": 10**3, "M": 10**6}
SHAPE: Final = "NAME 5% above 1000, 10% above 10K [of tokens] [cliff]"


def discount_of(text: str) -> dict[str, Any]:
    """The API's words for a volume discount. Raises ``CliError``."""
    name, _, rest = text.strip().partition(" ")
    words = f" {rest} "
    said: dict[str, Any] = {"termId": name, "tiers": []}
    if words.endswith(" cliff "):
        words, said["semantics"] = f"{words.removesuffix(' cliff ')} ", "CLIFF"
    if words.endswith(" of tokens "):
        words, said["measure"] = words.removesuffix(" of tokens "), "TOKENS"
    for tier in words.split(","):
        found = TIER.fullmatch(tier.strip())
        if not name or found is None:
            raise CliError(f"{text!r} is no volume discount such as: {SHAPE}.", MISUSED)
        percent, above, multiple = found.groups()
        edge = Decimal(above) * MULTIPLES[multiple]
        said["tiers"].append({"above": f"{edge:f}", "discountPercent": percent})
    return said


def amount_of(text: str) -> dict[str, Any]:
    """The API's words for a commitment or a credit: a name and an amount. Raises ``CliError``."""
    name, _, amount = text.strip().rpartition(" ")
    if not name or not re.fullmatch(r"\d+(?:\.\d+)?", amount):
        raise CliError(f"{text!r} is no name and amount such as: reserved 500.", MISUSED)
    return {"termId": name, "amount": amount}


def terms_text(agreement: dict[str, Any]) -> list[str]:
    """What is agreed, a line a term."""
    lines = [_discount_text(each) for each in agreement["discounts"]]
    lines += [f"commitment {each['termId']} {each['amount']}" for each in agreement["commitments"]]
    lines += [f"credit {each['termId']} {each['amount']}" for each in agreement["credits"]]
    return lines


def _discount_text(discount: dict[str, Any]) -> str:
    tiers = ", ".join(f"{each['discountPercent']}% above {each['above']}" for each in discount["tiers"])
    measure = " of tokens" if discount["measure"] == "TOKENS" else ""
    semantics = " cliff" if discount["semantics"] == "CLIFF" else ""
    return f"discount {discount['termId']} {tiers}{measure}{semantics}"

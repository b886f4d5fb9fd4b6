"""``costgraph prices``: contracts, the organisation's own prices, exchange rates, price files."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.errors import CliError
from server.cli.files import read_text
from server.cli.options import DataDir, Json, Key, Url, Where

PAGE = 200
CARD = """
fragment Card on RateCard {
  cardId version budgetId provider model mode currency validFrom validTo hoursFrom hoursTo feePercent mayRaise
  maxInputTokens maxOutputTokens withdrawn author recordedAt reason
  lines { unit price per discountPercent steps { above price } semantics basis }
}
"""
LIST = (
    """
query Cards($cardId: ID, $budgetId: ID, $first: Int!, $after: String) {
  rateCards(cardId: $cardId, budgetId: $budgetId, first: $first, after: $after) {
    nodes { ...Card } pageInfo { hasNextPage endCursor }
  }
}
"""
    + CARD
)
CREATE = "mutation Create($input: RateCardInput!) { put: createRateCard(input: $input) { ...Card } }" + CARD
UPDATE = "mutation Update($input: RateCardInput!) { put: updateRateCard(input: $input) { ...Card } }" + CARD
WITHDRAW = """
mutation Withdraw($cardId: ID!, $reason: String) {
  withdrawRateCard(cardId: $cardId, reason: $reason) { cardId version }
}
"""
RATES = "mutation Rates($input: AddExchangeRatesInput!) { addExchangeRates(input: $input) { new known } }"
IMPORT = """
mutation Import($input: ImportPriceFileInput!) { importPriceFile(input: $input) { number contentHash } }
"""

app = typer.Typer(
    name="prices",
    no_args_is_help=True,
    help="Prices of your own: contracts of budgets, the organisation's prices, exchange rates, price files.",
)

CardId = Annotated[str, typer.Argument(help="The card's id, of your choice.", metavar="CARD_ID")]
Reason = Annotated[str | None, typer.Option(help="Why, for whoever asks later.")]


@app.command("list")
def list_(
    budget: Annotated[str | None, typer.Option(help="The contracts of this budget only.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """List the rate cards, each in its newest version.

    costgraph prices list
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        cards = list(_cards(api, budgetId=budget))
    _show(cards, as_json=as_json)


@app.command()
def show(
    card_id: CardId,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Show every version of a card, the newest first: who changed what, when and why.

    costgraph prices show openai-2026
    """
    from server.cli.api import connected

    with connected(Where(url, key, data_dir)) as api:
        cards = list(_cards(api, cardId=card_id))
    if not cards:
        raise CliError(f"There is no rate card {card_id}.")
    _show(cards, as_json=as_json)


@app.command("set")
def set_(
    card_id: CardId,
    *,
    model: Annotated[str, typer.Option(help="A model, a pattern such as gpt-4*, or a resource's unit.")],
    line: Annotated[
        list[str], typer.Option(help='"completion 8 per 1M", "uncached 2 per 1M above 200K 4", "* -20%".')
    ],
    budget: Annotated[
        str | None, typer.Option(help="Whose contract it is. Default: the whole organisation's price.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Its provider. Default: any.")] = None,
    mode: Annotated[str, typer.Option(help="standard, batch, flex, priority, fast or any.")] = "standard",
    currency: Annotated[str, typer.Option(help="Currency of the prices.")] = "USD",
    valid_from: Annotated[str | None, typer.Option("--from", help="Valid from: 2026-12-01T00:00Z.")] = None,
    valid_to: Annotated[str | None, typer.Option("--to", help="Valid until, exclusive.")] = None,
    hours: Annotated[str | None, typer.Option(help="Time of the day in UTC: 18:00-06:00.")] = None,
    fee: Annotated[str | None, typer.Option(help="A fee on top, in percent.")] = None,
    may_raise: Annotated[bool, typer.Option(help="Take prices above the list price, too.")] = False,
    reason: Reason = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    r"""Set a price, or add a version to a card that is there. What was charged stays as it was.

    costgraph prices set openai-2026 --budget acme --provider openai --model "gpt-4*" --line "* -15%"
    costgraph prices set night --model gpt-4o --hours 18:00-06:00 \
          --line "uncached 1.25 per 1M" --line "completion 5 per 1M"
    costgraph prices set storage --model storage_gb_hour --line "storage_gb_hour 0.00004"
    """
    from server.cli.api import connected
    from server.cli.rate_lines import line_of

    hours_from, _, hours_to = (hours or "").partition("-")
    said = {
        "cardId": card_id,
        "model": model,
        "lines": [line_of(each) for each in line],
        "budgetId": budget,
        "provider": provider,
        "mode": mode,
        "currency": currency,
        "validFrom": valid_from,
        "validTo": valid_to,
        "hoursFrom": hours_from or None,
        "hoursTo": hours_to or None,
        "feePercent": fee,
        "mayRaise": may_raise,
        "reason": reason,
    }
    with connected(Where(url, key, data_dir)) as api:
        known = next(_cards(api, cardId=card_id), None)
        put = api.graphql(CREATE if known is None else UPDATE, {"input": said})["put"]
    _show([put], as_json=False)


@app.command()
def withdraw(
    card_id: CardId,
    reason: Reason = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """End a card: it prices nothing more. Its versions are kept.

    costgraph prices withdraw openai-2026 --reason "contract ended"
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        ended = api.graphql(WITHDRAW, {"cardId": card_id, "reason": reason})["withdrawRateCard"]
    console().print(f"Withdrew {ended['cardId']} (version {ended['version']}).")


@app.command("rate")
def rate(
    base: Annotated[str, typer.Argument(help="One of this currency, such as EUR …")],
    quote: Annotated[str, typer.Argument(help="… in this one, such as USD …")],
    amount: Annotated[str, typer.Argument(help="… is worth so much: 1.0823.", metavar="RATE")],
    date: Annotated[str | None, typer.Option(help="The day; today if left out.")] = None,
    source: Annotated[str, typer.Option(help="Where it comes from.")] = "manual",
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Add an exchange rate. It holds for its day and up to seven days after.

    costgraph prices rate EUR USD 1.0823 --date 2026-11-24
    """
    day = date or datetime.now(UTC).date().isoformat()
    said = {"base": base, "quote": quote, "rate": amount, "date": day, "source": source}
    _add_rates({"rates": [said]}, Where(url, key, data_dir))


@app.command("rates")
def rates(
    file: Annotated[Path, typer.Argument(help="A column Date and one per currency, per one EUR.")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Import exchange rates from a table like those of the European Central Bank (CSV).

    costgraph prices rates eurofxref.csv
    """
    _add_rates({"ecbCsv": read_text(file)}, Where(url, key, data_dir))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="LiteLLM's model_prices_and_context_window.json.")],
    version: Annotated[str, typer.Option(help="What to call this version of the file.")] = "",
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = None,
) -> None:
    """Import a LiteLLM price file: prices of models that no other list knows.

    costgraph prices import model_prices_and_context_window.json --version 2026-11-24
    """
    from server.cli.api import connected
    from server.cli.show import console

    with connected(Where(url, key, data_dir)) as api:
        said = {"content": read_text(file), "version": version}
        taken = api.graphql(IMPORT, {"input": said})["importPriceFile"]
    console().print(f"Price file {taken['number']} holds now (SHA-256 {taken['contentHash'][:16]}…).")


def _add_rates(said: dict[str, Any], where: Where) -> None:
    from server.cli.api import connected
    from server.cli.show import console

    with connected(where) as api:
        taken = api.graphql(RATES, {"input": said})["addExchangeRates"]
    console().print(f"{taken['new']:,} rates are new, {taken['known']:,} were known.")


def _cards(api: Any, **said: str | None) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = api.graphql(LIST, {**said, "first": PAGE, "after": after})["rateCards"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _show(cards: list[dict[str, Any]], *, as_json: bool) -> None:
    """A paragraph per card: a table would cut its lines off."""
    from server.cli.rate_lines import line_text
    from server.cli.show import console

    out = console()
    if as_json:
        out.print_json(data=cards)
        return
    for each in cards:
        style = "dim" if each["withdrawn"] else None
        out.print(_heading(each), style=style, markup=False, soft_wrap=True)
        lines = [line_text(line) for line in each["lines"]]
        if each["feePercent"] != "0":
            lines.append(f"fee {each['feePercent']}%")
        for line in lines:
            out.print(f"  {line} ({each['currency']})", style=style, markup=False, soft_wrap=True)
        why = f": {each['reason']}" if each["reason"] else ""
        said = f"  by {each['author'] or 'somebody'}, {each['recordedAt'][:16].replace('T', ' ')}{why}"
        out.print(said, style="dim", markup=False, soft_wrap=True)


def _heading(card: dict[str, Any]) -> str:
    """Which card it is, for whom, and when it holds."""
    begin, end = ((card[name] or "")[:10] for name in ("validFrom", "validTo"))
    valid = f"{begin or '…'} to {end or '…'}" if begin or end else "always"
    if card["hoursFrom"]:
        valid += f", {card['hoursFrom']} to {card['hoursTo']}"
    provider = f"{card['provider']}/" if card["provider"] else ""
    state = " (withdrawn)" if card["withdrawn"] else ""
    mode = (card["mode"] or "any mode").lower()
    owner = card["budgetId"] or "everybody"
    return f"{card['cardId']} {card['version']}{state}: {owner}, {provider}{card['model']}, {mode}, {valid}"

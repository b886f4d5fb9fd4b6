"""The options that ``costgraph evolve`` commands share: where a study lies, and how it is scored."""

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli.errors import MISUSED, REFUSED, UNREACHABLE, CliError

if TYPE_CHECKING:
    from evolution.records import Experiment

STUDY, SCORING = "Which study", "How it is scored"

Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        "-f",
        help="A lineage on disk, with no service: JSON lines or CSV (docs/research.md), openevolve's folder, "
        "ShinkaEvolve's database, a CSV of MAST. Several make one study; - reads JSON lines.",
        rich_help_panel=STUDY,
    ),
]
ExperimentId = Annotated[
    str | None,
    typer.Option("--experiment", "-e", help="An experiment of the service.", rich_help_panel=STUDY),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weight",
        help="Such as cost_efficiency=0.5; of effectiveness (0.4), efficiency (0.3), cost_efficiency (0.3).",
        metavar="NAME=NUMBER",
        rich_help_panel=SCORING,
    ),
]
ReferencePrice = Annotated[
    str | None,
    typer.Option(
        help="What one success may cost, in units: there cost efficiency is 0.5. Default: frozen from "
        "generation 0.",
        metavar="AMOUNT",
        rich_help_panel=SCORING,
    ),
]
Aggregate = Annotated[str | None, typer.Option(help="weighted, geometric or floor.", rich_help_panel=SCORING)]
Normalisation = Annotated[
    str | None,
    typer.Option(help="half_saturation, log, frontier or per_task.", rich_help_panel=SCORING),
]
Missing = Annotated[
    str | None,
    typer.Option(
        help="A task without a score: failed (counts as 0), attempted (left out), withheld (no fitness).",
        rich_help_panel=SCORING,
    ),
]
UnknownCost = Annotated[
    str | None,
    typer.Option(
        help="A scored task of unknown cost: withheld (no cost efficiency) or priced_only (left out of it).",
        rich_help_panel=SCORING,
    ),
]
EfficiencyBy = Annotated[
    str | None, typer.Option(help="seconds or tokens per success.", rich_help_panel=SCORING)
]
Plot = Annotated[
    Path | None,
    typer.Option(help="Draw it into this file, .png or .svg (needs the extra: costgraph[plots])."),
]


@dataclass(frozen=True, slots=True)
class Scoring:
    """What the command line says about scoring; None leaves what the experiment has."""

    weights: Sequence[str] | None = None
    reference_price: str | None = None
    aggregate: str | None = None
    normalisation: str | None = None
    missing: str | None = None
    unknown_cost: str | None = None
    efficiency_by: str | None = None

    def of(self, experiment: "Experiment") -> "Experiment":
        """The experiment with these. Raises ``CliError`` for words that mean nothing."""
        from evolution import records
        from evolution.fitness import Aggregate as Aggregates

        said: dict[str, Any] = {}
        for name, kind in (
            ("aggregate", Aggregates),
            ("normalisation", records.Normalisation),
            ("missing", records.Missing),
            ("unknown_cost", records.UnknownCost),
            ("efficiency_by", records.EfficiencyBy),
        ):
            word = getattr(self, name)
            if word is not None:
                said[name] = choice(word, kind, f"--{name.replace('_', '-')}")
        if self.weights is not None:
            said["weights"] = {**experiment.weights, **numbers(self.weights, "--weight")}
        if self.reference_price is not None:
            said["c0_nano"] = amount(self.reference_price, "--reference-price")
        return replace(experiment, **said) if said else experiment


def choice(word: str, kind: Any, option: str) -> Any:
    """A member of an enumeration by its word."""
    try:
        return kind(word.lower().replace("-", "_"))
    except ValueError:
        raise CliError(f"{option}: {word} is none of {', '.join(kind)}", MISUSED) from None


def numbers(pairs: Sequence[str], option: str) -> dict[str, float]:
    """``NAME=NUMBER`` each."""
    found: dict[str, float] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        try:
            found[name.strip()] = float(text)
        except ValueError:
            raise CliError(f"{option}: {pair!r} is not NAME=NUMBER", MISUSED) from None
    return found


def amount(text: str, option: str) -> int:
    """Nano-units of an amount in units, exactly as written."""
    from pricing.errors import PricingError
    from pricing.money import parse_nano

    try:
        nano = parse_nano(text)
    except PricingError as error:
        raise CliError(f"{option}: {error.message}", MISUSED) from None
    if nano < 0:
        raise CliError(f"{option}: {text} is below 0", MISUSED)
    return nano


def decimal(text: str, option: str) -> Decimal:
    """A finite number of at least 0."""
    with contextlib.suppress(InvalidOperation):
        value = Decimal(text)
        if value.is_finite() and value >= 0:
            return value
    raise CliError(f"{option}: {text!r} is not a number of at least 0", MISUSED)


@contextlib.contextmanager
def explained() -> Generator[None]:
    """The room's errors as the end of a command: with its exit code, and without a trace."""
    from evolution.errors import BadArchive, EvolutionError, LedgerFailed, NotInstalled

    try:
        yield
    except BadArchive as error:
        raise CliError(f"{error.message}\nNothing was read: {error.count:,} lines are wrong.") from None
    except NotInstalled as error:
        raise CliError(error.message, MISUSED) from None
    except LedgerFailed as error:
        raise CliError(error.message, UNREACHABLE) from None
    except EvolutionError as error:
        raise CliError(error.message, REFUSED) from None

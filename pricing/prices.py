"""What an organisation says about prices, as it was said and when: cards, exchange rates, imported files.

Nothing is overwritten: a change of a card is a :class:`Revision` with the next number, a withdrawal too.
The chain that a price is looked up in is made of the newest revisions when it is asked for, and made anew
after the next change: a compiled card is dropped in the moment in which a card changes.
"""

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from pricing.agreements import Agreements
from pricing.book import Book, PriceBook, Sources
from pricing.cards import RateCard
from pricing.currency import ExchangeRate, ExchangeRates
from pricing.litellm import LiteLLMPrices, read_litellm
from pricing.ports import RateSource
from pricing.quote import Pricer

CONTRACT: Final = "contract"
OVERRIDE: Final = "override"
FEED: Final = "feed"
"""Cards of price sources: lists that go before the others, below what people say."""
LITELLM: Final = "litellm"
_EARLIER_MAX: Final = 64


class Revision(NamedTuple):
    """One version of a card, with who wrote it (``card.author``) and when (``card.recorded_at_us``)."""

    card: RateCard
    number: int = 1
    budget_uid: str | None = None
    """Whose contract it is; None holds for the whole organisation."""
    withdrawn: bool = False
    """Whether the card holds no more from this version on."""
    reason: str | None = None


class PriceFile(NamedTuple):
    """An imported file of prices. Of several of one kind the last one holds."""

    kind: str
    packed: bytes
    """By zlib: of all the files that were ever imported, one is read."""
    number: int
    version: str
    content_hash: str
    author: str | None
    recorded_at_us: int
    reason: str | None = None


class GivenRates(NamedTuple):
    """Rates that were given together: of one base, day and source."""

    rates: tuple[ExchangeRate, ...]
    author: str | None
    recorded_at_us: int


class Prices:
    """All that an organisation has said. Not thread-safe while it is added to."""

    def __init__(self, lists: Sequence[RateSource] = ()) -> None:
        """``lists`` are the price lists that its cards lie over, the first one first."""
        self._lists = tuple(lists)
        self._revisions: dict[str, list[Revision]] = {}
        self._given: list[GivenRates] = []
        self._seen: set[tuple[str, int, str, int]] = set()
        self._latest: dict[tuple[str, str, int], ExchangeRate] = {}
        self._files: list[PriceFile] = []
        self.agreements = Agreements()
        """What was agreed for months: it changes no price."""
        self._book: PriceBook | None = None
        self._rates: ExchangeRates | None = None
        self._said: list[int] | None = None
        self._earlier: dict[int, Prices] = {}
        """What had been said by some instants, as it was asked for."""

    @property
    def plain(self) -> bool:
        """Whether nothing was said that changes a list price or adds one."""
        return not (self._revisions or self._files)

    @property
    def rates(self) -> ExchangeRates:
        """The exchange rates."""
        if self._rates is None:
            self._rates = ExchangeRates(rate for given in self._given for rate in given.rates)
        return self._rates

    @property
    def given_rates(self) -> Sequence[GivenRates]:
        """The exchange rates as they were given, in that order."""
        return self._given

    @property
    def files(self) -> Sequence[PriceFile]:
        """The imported files, in the order of their import."""
        return self._files

    def pricer(self, path: Sequence[str] = ()) -> Pricer:
        """Prices for what is charged to these budgets, the leaf first: contract, override, lists, file."""
        if self._book is None:
            self._book = self._make()
        return self._book.pricer(path)

    def _make(self) -> PriceBook:
        overrides: list[RateCard] = []
        feeds: list[RateCard] = []
        contracts: dict[str, list[RateCard]] = {}
        for revision in self.current():
            if revision.budget_uid is not None:
                contracts.setdefault(revision.budget_uid, []).append(revision.card)
            elif revision.card.source == FEED:
                feeds.append(revision.card)
            else:
                overrides.append(revision.card)
        lists = self._lists
        if feeds:
            lists = (Book(feeds, names=Sources(lists)), *lists)
        file = self.file_prices
        return PriceBook(lists if file is None else (*lists, file), overrides, contracts)

    @property
    def list_pricer(self) -> Pricer:
        """Prices by the lists alone, whatever was said."""
        return Pricer(self._lists)

    @property
    def file_prices(self) -> LiteLLMPrices | None:
        """The imported file that holds."""
        if not self._files:
            return None
        last = self._files[-1]
        return _read(last.packed, last.version)

    @property
    def card_count(self) -> int:
        """How many cards there are, withdrawn ones included."""
        return len(self._revisions)

    def current(self) -> Iterator[Revision]:
        """The newest revision of every card that holds, by id."""
        for card_id in sorted(self._revisions):
            revision = self._revisions[card_id][-1]
            if not revision.withdrawn:
                yield revision

    def newest(self) -> Iterator[Revision]:
        """The newest revision of every card, withdrawn ones included, by id."""
        for card_id in sorted(self._revisions):
            yield self._revisions[card_id][-1]

    def revisions(self, card_id: str) -> Sequence[Revision]:
        """Every version of a card, the first one first; none where there is no such card."""
        return self._revisions.get(card_id, ())

    def _changed(self) -> None:
        self._said = None
        self._earlier.clear()

    def put(self, revision: Revision) -> None:
        """Add the next version of a card."""
        versions = self._revisions.setdefault(revision.card.card_id, [])
        if versions and versions[-1].number >= revision.number:
            return  # read once more
        versions.append(revision)
        self._book = None
        self._changed()

    def put_rates(self, given: GivenRates) -> None:
        """Add rates; at least one."""
        first = given.rates[0]
        key = (first.base, first.day, first.source, given.recorded_at_us)
        if key in self._seen:
            return  # read once more
        self._seen.add(key)
        self._given.append(given)
        self._latest.update({(rate.base, rate.quote, rate.day): rate for rate in given.rates})
        self._rates = None
        self._changed()

    def free_instant(self, first: ExchangeRate, at_us: int) -> int:
        """The instant from ``at_us`` on at which no rates of that base, day and source were given yet."""
        while (first.base, first.day, first.source, at_us) in self._seen:
            at_us += 1
        return at_us

    def news(self, rates: Iterable[ExchangeRate]) -> tuple[ExchangeRate, ...]:
        """Those of the rates that differ from what is known of their day."""
        return tuple(
            rate
            for rate in rates
            if (known := self._latest.get((rate.base, rate.quote, rate.day))) is None
            or (known.rate, known.source) != (rate.rate, rate.source)
        )

    def put_file(self, file: PriceFile) -> None:
        """Add a file."""
        if self._files and self._files[-1].number >= file.number:
            return
        self._files.append(file)
        self._book = None
        self._changed()

    def copy(self) -> "Prices":
        """The same, to be added to apart."""
        twin = Prices(self._lists)
        twin._revisions = {card_id: list(each) for card_id, each in self._revisions.items()}
        twin._given = list(self._given)
        twin._seen = set(self._seen)
        twin._latest = dict(self._latest)
        twin._files = list(self._files)
        twin.agreements = self.agreements.copy()
        twin._book, twin._rates = self._book, self._rates
        return twin

    def known_at(self, at_us: int) -> "Prices":
        """What had been said by an instant: a cost as it was known then can be computed again."""
        said = self._when_said()
        count = bisect_right(said, at_us)
        if count == len(said):
            return self
        last_us = said[count - 1] if count else -1
        earlier = self._earlier.get(last_us)
        if earlier is None:
            earlier = self._by(last_us)
            if len(self._earlier) >= _EARLIER_MAX:
                self._earlier.clear()
            self._earlier[last_us] = earlier
        return earlier

    def _when_said(self) -> list[int]:
        """The instants at which something was said, in order."""
        if self._said is None:
            revisions = (each for versions in self._revisions.values() for each in versions)
            said = [each.card.recorded_at_us for each in revisions]
            said += [each.recorded_at_us for each in (*self._given, *self._files)]
            self._said = sorted(said)
        return self._said

    def _by(self, at_us: int) -> "Prices":
        earlier = Prices(self._lists)
        for versions in self._revisions.values():
            for revision in versions:
                if revision.card.recorded_at_us <= at_us:
                    earlier.put(revision)
        for given in self._given:
            if given.recorded_at_us <= at_us:
                earlier.put_rates(given)
        for file in self._files:
            if file.recorded_at_us <= at_us:
                earlier.put_file(file)
        return earlier


@lru_cache(maxsize=4)
def _read(packed: bytes, version: str) -> LiteLLMPrices:
    """A file that was looked through when it was imported."""
    return read_litellm(zlib.decompress(packed), version)

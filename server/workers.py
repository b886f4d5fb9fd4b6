"""Background threads of a server process."""

import threading
from collections.abc import Callable

from graph.events import Relay
from graph.rollups import Folder
from server.archives.archiver import Archiver
from server.closer import Closer
from server.deliveries import Deliveries
from server.late_prices import LatePrices
from server.refresh import Refresher
from server.sweeper import Sweeper


class Worker:
    """A thread that runs until it is stopped."""

    def __init__(self, name: str, run: Callable[[threading.Event], None], wake: Callable[[], None]) -> None:
        self._stop = threading.Event()
        self._wake = wake
        self._thread = threading.Thread(target=run, args=(self._stop,), name=name, daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def stop(self) -> None:
        """Tell it to stop, and wait until it has."""
        self._stop.set()
        self._wake()
        self._thread.join()


def sweep_worker(sweeper: Sweeper) -> Worker:
    """The thread that releases expired holds."""
    return Worker("sweeper", sweeper.run, sweeper.wake)


def late_prices_worker(late_prices: LatePrices) -> Worker:
    """The thread that settles what gets its price later."""
    return Worker("late_prices", late_prices.run, late_prices.wake)


def close_worker(closer: Closer) -> Worker:
    """The thread that closes agreements' months."""
    return Worker("closer", closer.run, closer.wake)


def archive_worker(archiver: Archiver) -> Worker:
    """The thread that archives raw usage."""
    return Worker("archiver", archiver.run, archiver.wake)


def fold_worker(folder: Folder) -> Worker:
    """The thread that folds entries into rollups."""
    return Worker("fold", folder.run, folder.wake)


def refresh_worker(refresher: Refresher) -> Worker:
    """The thread that reads the price sources that are due."""
    return Worker("refresher", refresher.run, refresher.wake)


def relay_worker(relay: Relay) -> Worker:
    """The thread that reads events for those who follow them."""
    return Worker("relay", relay.run, relay.wake)


def delivery_worker(deliveries: Deliveries) -> Worker:
    """The thread that delivers events to webhook endpoints."""
    return Worker("deliveries", deliveries.run, deliveries.wake)

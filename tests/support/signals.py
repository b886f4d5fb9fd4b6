"""Small processes of tests and tools that run until they are told to stop."""

import contextlib
import signal
import time
from collections.abc import Generator
from types import FrameType


class Stopped(BaseException):
    """SIGTERM or SIGINT came."""


class Stop:
    """Whether a signal came.

    Its exception alone is not enough: the interpreter drops one that is raised in a weak reference's callback
    or in a finalizer. So whoever repeats something looks here each time.
    """

    asked = False

    def wait(self) -> None:
        """Until a signal comes. Raises ``Stopped``, mostly."""
        while not self.asked:
            time.sleep(0.2)


@contextlib.contextmanager
def stopped_by_a_signal() -> Generator[Stop]:
    """A block that SIGTERM and SIGINT leave in order, also where a shell started us with SIGINT ignored."""
    stop = Stop()

    def heard(_number: int, _frame: FrameType | None) -> None:
        stop.asked = True
        raise Stopped

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, heard)
    with contextlib.suppress(Stopped):
        yield stop

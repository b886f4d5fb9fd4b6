"""Small processes of tests and tools that run until they are told to stop."""

import contextlib
import signal
from collections.abc import Generator
from types import FrameType


class Stopped(BaseException):
    """SIGTERM or SIGINT came."""


@contextlib.contextmanager
def stopped_by_a_signal() -> Generator[None]:
    """A block that SIGTERM and SIGINT leave in order, also where a shell started us with SIGINT ignored."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with contextlib.suppress(Stopped):
        yield

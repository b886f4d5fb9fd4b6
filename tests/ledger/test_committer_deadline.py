"""Nobody waits for ever: what the committer does with commands whose time is up."""

import threading
import time

import pytest

from ledger.errors import Overloaded, Unavailable
from ledger.results import RecordedUsage
from tests.ledger.test_committer import SECONDS_MAX, recorded, works
from tests.support.memory import Conflict


def test_what_waits_past_its_deadline_is_turned_away_and_nothing_of_it_is_recorded() -> None:
    with works(deadline_seconds=0.5) as running:
        gate = running.gated()
        single, bulk = running.call(running.usages("a")), running.call(running.usages("b", "c"))
        threading.Event().wait(0.6)
        gate.open()
        for each in (single, bulk):
            with pytest.raises(Overloaded) as caught:
                each.result(SECONDS_MAX)
            assert "0.5 s" in caught.value.message
        assert recorded(running.first) == [False]
        running.until(lambda: running.committer.waiting == 0)
        assert running.spent() == 1
        (answer,) = running.committer.submit_blocking(running.usages("a"), SECONDS_MAX)
        assert isinstance(answer, RecordedUsage)
        assert not answer.duplicate


def test_a_bulk_that_is_begun_is_finished_past_its_deadline() -> None:
    with works(deadline_seconds=0.5, batch_max=2) as running:
        gate = running.gated()
        begun, behind = running.call(running.usages(*"abcd")), running.call(running.usages("e", "f"))
        gate.let_one_through()
        gate.await_arrival()
        threading.Event().wait(0.6)
        gate.open()
        assert recorded(begun) == [False] * 4
        with pytest.raises(Overloaded):
            behind.result(SECONDS_MAX)
        assert running.spent() == 1 + 4


def test_an_engine_that_is_down_is_waited_for_once_not_once_for_each_batch() -> None:
    with works(batch_max=1, give_up_seconds=0.5) as running:
        gate = running.gated()

        def down() -> None:
            raise Conflict("the engine does not answer")

        waiting = [running.call(running.usages(f"{number}")) for number in range(10)]
        running.store.opening = down
        began = time.monotonic()
        gate.open()
        for each in waiting:
            with pytest.raises(Unavailable):
                each.result(SECONDS_MAX)
        assert time.monotonic() - began < 10 * 0.5

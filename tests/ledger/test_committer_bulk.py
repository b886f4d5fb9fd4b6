"""How much of a commit bulk takes: alone, and while single commands come in."""

from concurrent.futures import wait

from ledger.committer import BULK_ROWS_MIN
from tests.ledger.test_committer import SECONDS_MAX, recorded, works


def test_a_bulk_alone_commits_about_100_ms_of_work_at_once() -> None:
    with works(batch_max=1000) as running:
        recorded(running.call(running.usages(*(f"bulk-{number}" for number in range(1200)))))
        # Before anything was measured, a row is taken to cost 0.2 ms.
        assert len(running.watcher.batches[0]) == 500


def test_the_share_of_a_bulk_shrinks_to_about_10_ms_while_singles_come() -> None:
    with works(batch_max=1000) as running:
        gate = running.gated()
        bulk = running.call(running.usages(*(f"bulk-{number}" for number in range(2000))))
        running.call(running.usages("single"))
        gate.open()
        recorded(bulk)
        # Before anything was measured, a row is taken to cost 0.2 ms.
        assert [len(batch) for batch in running.watcher.batches[:2]] == [1, 1 + 50]


def test_singles_without_end_do_not_starve_a_bulk() -> None:
    with works(batch_max=20) as running:
        gate = running.gated()
        singles = [running.call(running.usages(f"{number}")) for number in range(60)]
        bulk = running.call(running.usages(*(f"bulk-{number}" for number in range(25))))
        gate.open()
        wait([*singles, bulk], SECONDS_MAX)
        shares = [sum(each.startswith("bulk") for each in batch) for batch in running.watcher.batches]
        assert shares[1:4] == [BULK_ROWS_MIN, BULK_ROWS_MIN, 5]
        assert running.spent() == 86

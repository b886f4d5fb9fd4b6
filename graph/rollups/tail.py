"""The unfolded tail of each tenant's stream, read once per process and kept until it is folded."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Final

from graph.database import Database
from graph.rollups.stream import Block, Offer, block_of, join, read_block
from insight.facts import Facts

CHUNK_SEQS: Final = 20_000
KEPT_ROWS_MAX: Final = 500_000
"""Of one tenant: about 60 MB. What lies beyond is read when it is asked for, a chunk at a time."""

OFFERED_ROWS_MAX: Final = 50_000
"""Of one tenant, kept until somebody reads: about 20 MB. Of more, the oldest are read from the graph."""


class Moved(Exception):
    """The fold went on: read again."""


class _Offers:
    """What was committed since somebody read, in order, perhaps with gaps. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Offer] = deque()
        self._rows = 0

    def add(self, offer: Offer) -> None:
        with self._lock:
            self._kept.append(offer)
            self._rows += len(offer.rows)
            while self._rows > OFFERED_ROWS_MAX:
                self._drop()

    def take(self, known: int) -> tuple[list[Offer], int | None]:
        """About ``CHUNK_SEQS`` that go on from ``known`` without a gap; else where the next one begins."""
        taken: list[Offer] = []
        with self._lock:
            while self._kept and self._kept[0].through <= known:
                self._drop()
            if not self._kept or self._kept[0].after > known:
                return taken, self._kept[0].after if self._kept else None
            first = self._kept[0].after
            while self._kept and self._kept[0].through - first <= CHUNK_SEQS:
                if taken and self._kept[0].after != taken[-1].through:
                    break
                taken.append(self._drop())
            return taken or [self._drop()], None

    def _drop(self) -> Offer:
        offer = self._kept.popleft()
        self._rows -= len(offer.rows)
        return offer


class _Tail:
    def __init__(self, generation: int, after: int) -> None:
        self.lock = threading.Lock()
        self.generation = generation
        self.after = after
        self.blocks: list[Block] = []
        self.offers = _Offers()

    @property
    def through(self) -> int:
        return self.blocks[-1].through if self.blocks else self.after

    @property
    def rows(self) -> int:
        return sum(len(block.seqs) for block in self.blocks)


class Tails:
    """Thread-safe. A rebuild of the rollups begins a new ``generation``, whose tail begins at 0 again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tails: dict[str, _Tail] = {}
        self._making = threading.Lock()

    def read(self, tenant: str, generation: int, after: int, through: int) -> Iterator[Facts]:
        """The facts with seqs above ``after`` up to ``through``, in pieces.

        Raises ``Moved`` where ``after`` is behind the fold by now.
        """
        tail = self._tail(tenant, generation, after)
        with tail.lock:
            if after < tail.after:
                raise Moved
            if after > tail.through:
                tail.after, tail.blocks = after, []
            while tail.through < through and tail.rows < KEPT_ROWS_MAX:
                self._append(tail, self._next(tenant, tail, through))
            blocks, reached = list(tail.blocks), tail.through
        for block in blocks:
            if block.through > after and block.after < through:
                yield block.above(after).upto(through).facts
        while reached < through:
            block = self._block(tenant, reached, through)
            reached = block.through
            yield block.facts

    def offer(self, tenant: str, offer: Offer) -> None:
        """Take what has just been committed, so that it needs not be read. Never waits for a reader."""
        tail = self._tails.get(tenant)
        if tail is not None:
            tail.offers.add(offer)

    def folded(self, tenant: str, generation: int, through: int) -> None:
        """Forget what is folded."""
        tail = self._tail(tenant, generation, through)
        with tail.lock:
            tail.blocks = [block for block in tail.blocks if block.through > through]
            tail.after = tail.blocks[0].after if tail.blocks else max(tail.after, through)

    def _next(self, tenant: str, tail: _Tail, through: int) -> Block:
        """The block that follows: what was offered, else read up to there or to the next offer."""
        known = tail.through
        offers, gap_ends = tail.offers.take(known)
        if offers:
            return block_of(offers).above(known)
        return self._block(tenant, known, through if gap_ends is None else min(through, gap_ends))

    def _block(self, tenant: str, after: int, through: int) -> Block:
        return read_block(self._database, tenant, after, min(through, after + CHUNK_SEQS))

    def _append(self, tail: _Tail, block: Block) -> None:
        """Append, and join small neighbours, so that there are few blocks however small the steps."""
        tail.blocks.append(block)
        while len(tail.blocks) > 1:
            left, right = tail.blocks[-2:]
            if len(left.seqs) > 2 * len(right.seqs) or right.through - left.after > CHUNK_SEQS:
                break
            tail.blocks[-2:] = [join([left, right])]

    def _tail(self, tenant: str, generation: int, after: int) -> _Tail:
        tail = self._tails.get(tenant)
        if tail is None or tail.generation != generation:
            with self._making:
                tail = self._tails.get(tenant)
                if tail is None or tail.generation < generation:
                    tail = self._tails[tenant] = _Tail(generation, after)
        if tail.generation != generation:
            raise Moved
        return tail

"""A tenant's sequence, told to whoever follows it: the reads, and the relay that makes them once for all."""

from graph.events.relay import Follower, Relay
from graph.events.stream import CHUNK_SEQS, EventStream

__all__ = ["CHUNK_SEQS", "EventStream", "Follower", "Relay"]

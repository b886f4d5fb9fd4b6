"""Tests of the graph room, on both engines."""

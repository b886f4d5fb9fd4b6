"""Rollups on Bolt: the fold that writes them, the queries that read them, the check that compares them."""

from graph.rollups.check import RollupCheck
from graph.rollups.folder import Folder
from graph.rollups.query import Rollups

__all__ = ["Folder", "RollupCheck", "Rollups"]

"""Experiments in the graph: parameters, who takes part, evaluations with what they cost by now, selections.

Agents are the ledger's; what an experiment says of one (generation, operator, parents in order) is its
``Member`` of that experiment.
"""

from graph.evolution.store import Experiments

__all__ = ["Experiments"]

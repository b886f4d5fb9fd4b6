"""Strategies: what to evaluate next, so that an evaluation budget buys most. One small module each.

A strategy plans rounds (``base.Strategy``). What it decides depends on settled rounds and its seed alone, so
neither the number of workers nor a crash in between changes the plan.
"""

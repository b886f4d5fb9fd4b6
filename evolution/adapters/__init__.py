"""For users of other evolution frameworks: their evaluators, with our cost cap and fitness plugged in.

::

    gate         reserve before, settle after, refuse at the cap: for evaluators that are called by others
    openevolve   wraps ``evaluate(program_path)``
    gepa         wraps a ``GEPAAdapter``

Neither package is imported, so neither need be installed: what theirs look like is enough.
"""

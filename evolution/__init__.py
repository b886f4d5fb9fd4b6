"""The evolution room: lineages scored by what they really cost, and selection under a budget. Pure: no I/O.

::

    records  selections      what is stored: evaluations, agents, experiments, selections (JSON by codec)
    fitness  prompts         the three dimensions, and the directives that they grade
    totals  intervals  normalise  scoring  stability      evaluations → scores with intervals
    lineage  clades  paths  price  diversity              what a family tree did, and for how much
    selectors/  budgeted     who goes on: seeded selectors; exact selection under a budget
    candidates               evaluations → what those two look at
    analysis                 all of these for one experiment
    columns  stored          many evaluations as columns; experiments as they are kept
    strategies/  standings   what to evaluate next, so that a budget buys most
    ports  runner            experiments: every evaluation is reserved before and settled after
    archives/                lineages that others recorded, read
    figures/                 a study as data to plot, and as pictures
    adapters/                a cost cap for the evaluators of other frameworks

Importing the room imports none of it; numpy and scipy come with the modules that compute.
"""

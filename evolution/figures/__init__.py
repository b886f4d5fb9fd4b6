"""Figures of a study. Their data are plain records (JSON by ``evolution.codec``); drawing them is apart.

::

    frontier     cost and effectiveness: who is dominated by nobody, and who by no mixture
    tree         the lineage, with the cost efficiency of each agent
    spend        what every generation cost: building, evaluating, serving
    drawing      PNG and SVG, by matplotlib (the extra ``plots``)

Unknown cost is in each of them as what it is: apart, and counted.
"""

"""Readers of lineages that others recorded: rows in, agents and evaluations out; who opens files passes rows.

::

    base         what every reader gives, and how it reads a field
    tables       our own formats: JSON lines and CSV
    openevolve   programs of openevolve's checkpoints and databases
    shinka       rows of ShinkaEvolve's table ``programs``
    mast         the CSV files of MAST runs (openevolve-mast)

Every reader is strict: a line that cannot be read is named, and then nothing of the archive is used.
"""

"""The rungs that keep query texts, parameters and rows true (docs: STYLE of the project, ``cypher/``).

1. ``test_texts``: no engine; files, ``$names`` and ``RETURN`` aliases against the declarations.
2. ``test_explain``: both engines can plan it, with the declared columns, no warning, no scan.
3. ``test_examples``: it runs, on both engines, and its rows are what they are declared to be.
"""

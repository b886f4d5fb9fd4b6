"""What ``evolution.runner`` runs on: ``evolution.ports`` over the real ledger and the real graph.

``local`` wires them in this process, ``remote`` over HTTP. Both say the same words to the same doors, so a
run that was begun with one is resumed with the other.
"""

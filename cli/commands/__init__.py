"""Commands of ``starter.py``: the arguments of each, and the function that does its work."""

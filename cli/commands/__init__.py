"""Commands of ``starter.py``: the arguments of each, and what it calls."""

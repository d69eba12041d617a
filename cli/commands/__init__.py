"""Commands of ``starter.py``: the arguments of each, and the function that does its work.

Each function imports what it needs when it runs. The SDK and pydantic take ten times as long to
import as typer, which is all that the help needs.
"""

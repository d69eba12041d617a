"""Command line: the work of each command, and its output."""

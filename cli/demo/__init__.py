"""Demo of the whole system in one command, for new users."""

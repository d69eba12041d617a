"""Clears up after sagas that were ended before they could do so themselves."""

"""What an operator does with orders that were placed: look, cancel, resolve."""

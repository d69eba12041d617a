"""Converters of other systems' orders: examples of how to put your own orders in."""

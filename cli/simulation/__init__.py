"""Simulation of many customers who place orders at the same time."""

"""Workflows: the saga in both modes, the delivery of events, and the reconciler."""

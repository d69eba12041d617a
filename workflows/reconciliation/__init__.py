"""Reconciliation: undoes the effects of runs that ended before they could do it themselves."""

"""Workflow runs, as Temporal tells of them: how to find and describe one, how it has ended."""

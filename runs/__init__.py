"""Workflow runs as Temporal knows them: lists, descriptions, inputs, results and histories."""

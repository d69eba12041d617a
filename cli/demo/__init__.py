"""The demo: everything in one command, watched by people who see it for the first time."""

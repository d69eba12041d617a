"""The demo: everything in one command, for people who see it for the first time."""

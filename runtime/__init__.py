"""Foundation of the entry points: connection, embedded server, child processes, exit codes."""

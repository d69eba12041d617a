"""What the entry points stand on: the connection, the embedded server, child processes."""

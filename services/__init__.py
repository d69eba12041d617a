"""Mock services, each with its own durable ledger."""

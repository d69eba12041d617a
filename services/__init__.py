"""The outside world, mocked: four services, each with a durable ledger of its own."""

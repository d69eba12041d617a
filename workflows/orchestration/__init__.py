"""One coordinator: a workflow that calls each service and, when one fails, undoes the rest."""

"""A client that notes which lists of runs it was asked for."""

from __future__ import annotations

from temporalio.client import (
    Client,
    Interceptor,
    ListWorkflowsInput,
    OutboundInterceptor,
    WorkflowExecutionAsyncIterator,
)


class Noting(Interceptor):
    """Notes the query of each list."""

    def __init__(self) -> None:
        self.queries: list[str] = []

    def client(self, client: Client) -> Client:
        """Return a client on the same connection whose lists are noted."""
        config = client.config()
        config["interceptors"] = [*config["interceptors"], self]
        return Client(**config)

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Note the lists that the client asks for."""
        return _Outbound(next, self.queries)


class _Outbound(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, queries: list[str]) -> None:
        super().__init__(following)
        self._queries = queries

    def list_workflows(self, input: ListWorkflowsInput) -> WorkflowExecutionAsyncIterator:
        self._queries.append(input.query or "")
        return super().list_workflows(input)

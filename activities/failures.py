"""Translation of a service's failures for Temporal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from messages.failures import REFUSAL, Refused, ServiceError


@contextmanager
def translated() -> Iterator[None]:
    """Translate a service's definite failure into one that Temporal does not retry.

    All other errors pass unchanged, and Temporal retries them.

    Raises:
        ApplicationError: the service raised a :class:`~messages.failures.ServiceError`. Not
            retryable. Its ``type`` is the class name of that error; a ``Refused`` is marked by
            the detail :data:`~messages.failures.REFUSAL`.
    """
    try:
        yield
    except ServiceError as error:
        # A refusal is part of normal business, so the metrics must not count it as an error.
        expected = isinstance(error, Refused)
        raise ApplicationError(
            str(error) or (type(error).__doc__ or ""),
            *([REFUSAL] if expected else []),
            type=error.type_name,
            non_retryable=True,
            category=ApplicationErrorCategory.BENIGN
            if expected
            else ApplicationErrorCategory.UNSPECIFIED,
        ) from error

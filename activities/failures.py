"""A service's refusal, translated for Temporal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from messages.failures import REFUSAL, Refused, ServiceError


@contextmanager
def translated() -> Iterator[None]:
    """Turn a service's definite no into an error that is not retried, typed by its class.

    Everything else passes through untouched, and Temporal retries it.

    Raises:
        ApplicationError: non-retryable, its ``type`` the class name of the
            :class:`~messages.failures.ServiceError`; of any ``Refused``, its detail says so.
    """
    try:
        yield
    except ServiceError as error:
        # A refusal is business as usual; it must not look like an outage in the metrics.
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

"""Status codes of requests, as gRPC numbers them and as HTTP says them."""

from __future__ import annotations

from enum import IntEnum

from fm_keras.errors import FmKerasError


class Code(IntEnum):
    """Canonical codes; TensorFlow numbers its errors by them, too."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def http(self) -> int:
        """The HTTP status that TensorFlow Serving's REST interface answers with."""
        return _HTTP[self]


_HTTP = {
    Code.OK: 200,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


class RequestError(FmKerasError):
    """A request that is refused, or that failed.

    Args:
        code: why, in one word.
        message: why, for the one who asked.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code, self.http = code, code.http


class TooLarge(RequestError):
    """A request of more bytes than the server takes.

    Args:
        limit: bytes that it takes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(Code.RESOURCE_EXHAUSTED, f"The request is larger than the {limit:,} bytes that are taken.")
        self.http = 413


def invalid(message: str) -> RequestError:
    """The error of a request that cannot be understood."""
    return RequestError(Code.INVALID_ARGUMENT, message)

"""One HTTP connection to a model server, kept open from call to call.  Nothing but Python."""

from __future__ import annotations

import json
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from fm_keras.errors import InvalidInput, ServerError


class Connection:
    """Asks a server for JSON, one question at a time: threads need a connection each.

    Args:
        url: of the server, as http://127.0.0.1:8501; may hold a path, where a proxy wants one.
        timeout: seconds that an answer may take.

    Raises:
        InvalidInput: no http or https URL.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self.url, self.timeout = url.rstrip("/"), timeout
        parts = _parts(self.url)
        self._prefix = parts.path
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._http = kind(parts.hostname, parts.port, timeout=timeout)

    def ask(self, path: str, body: str | None = None) -> tuple[int, Any]:
        """Status and JSON that the server answers.

        Args:
            path: behind the URL, as /v1/models/mine.
            body: JSON to post; None for a GET.

        Raises:
            ServerError: the server cannot be reached, takes too long, or does not speak JSON.
        """
        # Servers close connections that were idle: what was asked on a kept one is asked again.
        for last in (True,) if self._http.sock is None else (False, True):
            try:
                status, raw = self._exchange(path, body)
                break
            except TimeoutError:
                raise self._too_slow() from None
            except (OSError, HTTPException) as error:
                if last:
                    raise self._unreachable(error) from None
        try:
            return status, json.loads(raw)
        except ValueError:
            raise ServerError(
                f"{self.url}{path} answers HTTP {status}, but not in JSON as TensorFlow Serving does. Check the URL."
            ) from None

    def close(self) -> None:
        """Close the connection; the next question opens it again."""
        self._http.close()

    def _exchange(self, path: str, body: str | None) -> tuple[int, bytes]:
        method, headers = ("GET", {}) if body is None else ("POST", {"Content-Type": "application/json"})
        content = None if body is None else body.encode()
        try:
            # A server that finds a request too large says so before it has read all of it.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._http.request(method, self._prefix + path, content, headers)
            answer = self._http.getresponse()
            return answer.status, answer.read()
        except BaseException:
            self._http.close()  # what was left unread would be taken for the next answer
            raise

    def _too_slow(self) -> ServerError:
        return ServerError(
            f"{self.url} did not answer within {self.timeout:g} s. Ask for less at once, or allow a longer timeout."
        )

    def _unreachable(self, error: Exception) -> ServerError:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ServerError(
            f"No model server answers at {self.url}: {why}. Start one (fm-keras serve), or name the URL of another."
        )


def _parts(url: str):
    parts = urlsplit(url)
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number
        usable = False
    if not usable:
        raise InvalidInput(f"{url!r} is no URL of a server. Write it as http://127.0.0.1:8501.")
    return parts

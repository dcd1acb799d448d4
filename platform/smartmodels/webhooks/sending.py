"""One request to a receiver: to the address that was checked, once, and not for long."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from smartmodels.conf import settings
from smartmodels.exceptions import InvalidInput
from smartmodels.webhooks.addresses import Target, check_url, resolve
from smartmodels.webhooks.errors import AddressRefused

__all__ = ["Answer", "send"]

_ANSWER_BYTES = 64 * 1024
_ERROR_CHARACTERS = 300
_OK = range(200, 300)
_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "smartmodels-webhooks/1",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: the receiver's status, or why there is none."""

    status: int | None
    error: str
    seconds: float

    @property
    def arrived(self) -> bool:
        """Tell whether the receiver took it; one that leads elsewhere did not."""
        return self.status in _OK


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, under the name that was asked for."""

    def __init__(self, target: Target, address: str, seconds: float) -> None:
        self.default_port = 443 if target.scheme == "https" else 80
        super().__init__(target.host, target.port, timeout=seconds)
        self._address, self._secure = address, target.scheme == "https"

    def connect(self) -> None:
        """Connect; the certificate must be that of the name."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)

    def give_up(self) -> None:
        """End whatever the connection is at, from another thread."""
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def send(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post a body; return what became of it.

    All of it takes at most ``SMARTMODELS_WEBHOOK_TIMEOUT`` seconds, the look-up of the name aside. Redirects
    are not followed, proxies not used, and at most 64 KB of the answer are read.
    """
    began = time.monotonic()
    status, error = None, ""
    try:
        target = check_url(url)
        status = _post(target, resolve(target), body, headers)
        if status not in _OK:
            error = f"The receiver answered {status}."
    except (AddressRefused, InvalidInput) as refusal:
        error = refusal.message
    except (OSError, http.client.HTTPException, ValueError) as trouble:
        error = f"{type(trouble).__name__}: {trouble}"
    return Answer(status, error[:_ERROR_CHARACTERS].replace("\x00", ""), time.monotonic() - began)


def _post(target: Target, address: str, body: bytes, headers: Mapping[str, str]) -> int:
    seconds = settings().WEBHOOK_TIMEOUT
    connection = _Pinned(target, address, seconds)
    # A receiver that sends a byte now and then would outlive the timeout of each read.
    timer = threading.Timer(seconds, connection.give_up)
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST", target.path, body, {**_HEADERS, **headers})
        answer = connection.getresponse()
        answer.read(_ANSWER_BYTES)
        return answer.status
    finally:
        timer.cancel()
        connection.close()

"""Which TCP ports of this machine are free."""

from __future__ import annotations

import errno
import socket

__all__ = ["free_port", "is_free"]

_TRIES = 100
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server could listen on ``host`` and nobody else answers on ``port`` of this machine.

    Browsers try ::1 before 127.0.0.1 for names below localhost, so both must be free for a loopback server.
    """
    places = [(socket.AF_INET6, host)] if ":" in host else [(socket.AF_INET, host)]
    if host == "127.0.0.1" and socket.has_ipv6:
        places.append((socket.AF_INET6, "::1"))
    return all(_can_listen(family, place, port) for family, place in places)


def _can_listen(family: socket.AddressFamily, host: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            # A machine without IPv6 has nobody listening there.
            return family == socket.AF_INET6 and error.errno not in _TAKEN
    return True


def free_port(wanted: int) -> int | None:
    """Return ``wanted`` or the next free port after it, or None when a hundred in a row are taken."""
    ports = range(wanted, min(wanted + _TRIES, 65536))
    return next((port for port in ports if is_free(port)), None)

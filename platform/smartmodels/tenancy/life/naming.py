"""What can be a host of a namespace."""

from __future__ import annotations

import re

from smartmodels.tenancy.errors import HostInvalid
from smartmodels.tenancy.names import fold_host, primary_host, public_hosts

__all__ = ["custom_host", "wanted_host"]

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_LONGEST = 253


def _ascii(name: str, given: str) -> str:
    """Return the name with letters beyond ASCII as ``xn--``, where both ways of writing mean the same."""
    if name.isascii():
        return name
    try:
        written = name.encode("idna")
        back = written.decode("idna")
    except UnicodeError:
        back = ""
    if back != name:
        raise HostInvalid(f"{given!r} is no host as it stands: write it in its ASCII form (xn--...).")
    return written.decode("ascii")


def custom_host(given: str) -> str:
    """Return the host as requests are compared with it: lower case, ASCII, without the dot that may end it.

    Raises HostInvalid for what is no name in the DNS (a port, a wildcard, an address), and for the hosts
    of the public site and below it, which follow from slugs.
    """
    name = _ascii(given.strip().lower().removesuffix("."), given)
    labels = name.split(".")
    if len(name) > _LONGEST or len(labels) < 2 or not all(map(_LABEL.match, labels)):
        raise HostInvalid(
            f"{given!r} is no host: names of letters, digits and '-', joined by dots, such as "
            "data.example.org, without port, path or '*'."
        )
    if labels[-1].isdigit() or labels[-1] == "localhost":
        raise HostInvalid(f"{given!r} is an address or a name of this machine alone: name a public host.")
    if name in public_hosts() or name.endswith(primary_host("")):
        raise HostInvalid(
            f"{given!r} is the public site's or below it: those hosts follow from the slugs of namespaces."
        )
    return name


def wanted_host(given: str) -> str:
    """Return the host that is meant, folded; an empty text for what can be none, and so is never found."""
    name = fold_host(given)
    try:
        name = _ascii(name, given)
    except HostInvalid:
        return ""
    return name if name.isprintable() else ""

"""Where a webhook may go: to the public internet over TLS, judged by the addresses its name leads to."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from smartmodels.conf import settings
from smartmodels.exceptions import InvalidInput
from smartmodels.webhooks.errors import AddressRefused

__all__ = ["URL_PATTERN", "Target", "check_url", "resolve"]

URL_PATTERN = (
    r"^https://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[1-9][0-9]{0,3})?(?:[/?][!-\"$-~]*)?$"
)
"""What documents of the API say of it; a literal IPv6 address is taken, too."""

_PORTS = {"https": 443, "http": 80}
_LONGEST = 2000
_PLAIN = re.compile(r"[\x21-\x7e]+")
_IPV6_UNICAST = ipaddress.IPv6Network("2000::/3")
_IPV6_TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart."""

    scheme: str
    host: str
    port: int
    path: str


def check_url(url: str) -> Target:
    """Return the parts of a URL that webhooks may be sent to; its name is not looked up yet.

    Raises InvalidInput for anything but https (with ``SMARTMODELS_WEBHOOK_LOOPBACK`` also http) without
    user and fragment.
    """
    if len(url) > _LONGEST or not _PLAIN.fullmatch(url):
        raise _refused("has spaces, letters outside of ASCII, or too many characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused("is malformed") from error
    allowed = ("https", "http") if settings().WEBHOOK_LOOPBACK else ("https",)
    if parts.scheme not in allowed or not parts.hostname:
        raise _refused(f"does not begin with {' or '.join(f'{each}://' for each in allowed)} and a host")
    if parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise _refused("names a user, a fragment or port 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], path)


def _refused(why: str) -> InvalidInput:
    return InvalidInput(f"This URL {why}: https://, a public host and a path are needed.", field="url")


def resolve(target: Target) -> str:
    """Return an address of the target to connect to, once all its addresses are found to be public.

    Connect to this very address: the name may lead elsewhere a moment later. Raises AddressRefused if one
    of them is private, and OSError if the name leads nowhere.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("The host has no valid name.") from error
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not all(_is_allowed(each) for each in addresses):
        raise AddressRefused(f"{target.host} leads to an address that is not public: nothing is sent there.")
    return addresses[0]


def _is_allowed(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if settings().WEBHOOK_LOOPBACK and address.is_loopback:
        return True
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    # What embeds an IPv4 address (mapped, NAT64, 6to4, Teredo) may lead to a private one.
    return address in _IPV6_UNICAST and not any(address in each for each in _IPV6_TUNNELS)

"""Where webhooks may go, judged by URL and address; nothing is looked up but numbers."""

import pytest
from django.test import override_settings

from smartmodels.exceptions import InvalidInput
from smartmodels.webhooks.addresses import Target, check_url, resolve
from smartmodels.webhooks.errors import AddressRefused
from smartmodels.webhooks.sending import send

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "2130706433", "0x7f.1", "127.1", "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
    "2002:7f00:1::", "2002:a00:1::", "2001:0:7f00:1::", "2001:db8::1", "::ffff:169.254.169.254",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_resolve__address_that_is_not_public__is_refused(host: str) -> None:
    """Private, loopback, link-local, reserved, or one that may embed such a one."""
    with pytest.raises(AddressRefused):
        resolve(Target("https", host, 443, "/"))


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700:4700::1111"])
def test_resolve__public_address__is_the_one_to_connect_to(host: str) -> None:
    """As it was checked."""
    assert resolve(Target("https", host, 443, "/")) == host


@override_settings(SMARTMODELS_WEBHOOK_LOOPBACK=True)
@pytest.mark.parametrize(("host", "allowed"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False)])
def test_resolve__loopback_allowed__opens_nothing_else(host: str, allowed: bool) -> None:
    """Other private addresses stay refused."""
    if allowed:
        assert resolve(Target("http", host, 80, "/")) == host
    else:
        with pytest.raises(AddressRefused):
            resolve(Target("http", host, 80, "/"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https:///x", "https://u@example.org/", "//example.org/",
        "https://example.org:0/", "https://example.org:x/", "https://exa mple.org/",
        "https://example.org/\r\nX: y",
        "https://example.org/#there", "https://[::1/", "https://ex\u00e4mple.org/", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_check_url__anything_but_plain_https__is_refused(url: str) -> None:
    """Also what would smuggle a header in."""
    with pytest.raises(InvalidInput):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.org", Target("https", "example.org", 443, "/")),
        ("https://Example.org:8443/a?b=c", Target("https", "example.org", 8443, "/a?b=c")),
        ("https://[2606:4700::1]/x", Target("https", "2606:4700::1", 443, "/x")),
    ],
)
def test_check_url__https__is_taken_apart(url: str, target: Target) -> None:
    """Host, port and path."""
    assert check_url(url) == target


def test_send__private_address__connects_nowhere() -> None:
    """The answer says why."""
    answer = send("https://127.0.0.1:9/", b"{}", {})
    assert (answer.status, answer.arrived, "not public" in answer.error) == (None, False, True)

"""A port is free when nobody on this machine would answer there."""

import socket

import pytest

from config.ports import free_port, is_free


def bound(family: socket.AddressFamily, host: str) -> socket.socket:
    """A socket that listens on some port."""
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.bind((host, 0))
    taken.listen()
    return taken


def test_is_free__somebody_listens__says_no() -> None:
    """The plain case."""
    with bound(socket.AF_INET, "127.0.0.1") as taken:
        assert not is_free(taken.getsockname()[1])


def test_is_free__nobody_listens_any_more__says_yes() -> None:
    """A port that was just given back can be had."""
    with bound(socket.AF_INET, "127.0.0.1") as taken:
        port = taken.getsockname()[1]
    assert is_free(port)


def test_is_free__somebody_listens_on_ipv6_alone__says_no() -> None:
    """A browser would ask ::1 first and show what is served there."""
    try:
        taken = bound(socket.AF_INET6, "::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with taken:
        assert not is_free(taken.getsockname()[1])


def test_free_port__wanted_one_is_taken__is_a_later_one() -> None:
    """The next free one."""
    with bound(socket.AF_INET, "127.0.0.1") as taken:
        wanted = taken.getsockname()[1]
        found = free_port(wanted)
        assert found is None or found > wanted


def test_free_port__beyond_the_last__is_none() -> None:
    """There is no port 65536."""
    with bound(socket.AF_INET, "127.0.0.1"):
        assert free_port(65536) is None

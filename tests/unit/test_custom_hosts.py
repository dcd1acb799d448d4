"""What can be a host of a namespace, and how its proof is looked up."""

import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from dns.resolver import Resolver

from smartmodels.tenancy.errors import HostInvalid, ResolverFailed
from smartmodels.tenancy.life.naming import custom_host
from smartmodels.tenancy.life.txt import txt_records


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("birds.example.org", "birds.example.org"),
        (" Birds.Example.ORG.\n", "birds.example.org"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1.example.org", "1.example.org"),
    ],
)
def test_host__written_differently__is_the_same(given: str, host: str) -> None:
    """As requests are compared with it."""
    assert custom_host(given) == host


@pytest.mark.parametrize(
    "given",
    [
        "", ".", "org", "*.example.org", "birds.*.org", "birds.example.org:8000", "http://birds.example.org",
        "birds.example.org/x", "birds example.org", "a_b.example.org", "-a.example.org", "a-.example.org",
        "a..example.org", "birds.example.org..", "10.0.0.1", "[::1]", "nul\x00.org", "half\ud800.org",
        "x" * 64 + ".example.org", ".".join(["a" * 60] * 5), "stra\u00dfe.example", "\u2100.example",
        "localhost", "alpha.localhost", "www.localhost", "127.0.0.1", "a@b.example.org",
        "%00.example.org", "birds.example.org'--",
    ],
)  # fmt: skip
def test_host__that_cannot_be_one__is_refused(given: str) -> None:
    """Ports, wildcards, addresses, what reads differently elsewhere, and the hosts of the public site."""
    with pytest.raises(HostInvalid):
        custom_host(given)


@pytest.mark.parametrize("given", ["example.org", "EXAMPLE.org.", "beta.example.org", "a.b.example.org"])
def test_host__of_the_public_site__is_refused(settings: Any, given: str) -> None:
    """Wherever that is."""
    settings.SMARTMODELS_BASE_DOMAIN = "example.org"
    with pytest.raises(HostInvalid):
        custom_host(given)


# The DNS


def _answer(query: bytes, code: int, texts: list[bytes]) -> bytes:
    """A response to a query: its question, and TXT records of that name."""
    question = query[12:]
    question = question[: question.index(b"\0") + 5]
    header = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(texts), 0, 0)
    data = [bytes([len(text)]) + text for text in texts]
    records = [struct.pack(">HHHIH", 0xC00C, 16, 1, 60, len(each)) + each for each in data]
    return header + question + b"".join(records)


@pytest.fixture
def resolver(request: pytest.FixtureRequest) -> Iterator[Resolver]:
    """Asks a name server on this machine that always answers what the test says."""
    code, texts = request.param
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(10)

    def serve() -> None:
        query, asker = server.recvfrom(512)
        server.sendto(_answer(query, code, texts), asker)

    thread = threading.Thread(target=serve)
    thread.start()
    found = Resolver(configure=False)
    found.nameservers, found.port = ["127.0.0.1"], server.getsockname()[1]
    yield found
    thread.join()
    server.close()


@pytest.mark.parametrize(
    ("resolver", "texts"),
    [
        ((0, [b"smartmodels=1", b"other"]), ["smartmodels=1", "other"]),
        ((0, []), []),
        ((3, []), []),
        ((0, [b"\xff"]), ["\ufffd"]),
    ],
    indirect=["resolver"],
)
def test_txt__of_a_name__is_what_the_server_says(resolver: Resolver, texts: list[str]) -> None:
    """None of a name that has none, or that is not there."""
    assert txt_records("_smartmodels.birds.example.org", resolver=resolver) == texts


@pytest.mark.parametrize("resolver", [(2, [])], indirect=True)
def test_txt__when_the_server_fails__is_not_known(resolver: Resolver) -> None:
    """Which is not the same as none."""
    with pytest.raises(ResolverFailed):
        txt_records("_smartmodels.birds.example.org", resolver=resolver)

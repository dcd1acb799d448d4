"""DATABASE_URL, read strictly: one address in, one DATABASES entry out, no password in any error."""

import re
from typing import TypedDict
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SCHEMES = ("postgresql", "postgres")
ADDRESS_PARTS = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
# libpq's connection parameters; any other would only fail later, at the first connection, with less said.
LIBPQ_OPTIONS = frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "fallback_application_name",
        "gssencmode",
        "gsslib",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "options",
        "passfile",
        "require_auth",
        "requirepeer",
        "service",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "sslsni",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "target_session_attrs",
        "tcp_user_timeout",
    ]
)
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
CONTROL_CHARACTER = re.compile(r"[\x00-\x20\x7f]")
LAST_PORT = 65535
EXAMPLE = "postgresql://user:password@host:5432/database?sslmode=require"


class InvalidDatabaseURL(ValueError):
    """DATABASE_URL cannot be used; the message names the fault, never the password."""

    code = "invalid_database_url"

    def __init__(self, fault: str) -> None:
        super().__init__(f"DATABASE_URL {fault}: write it as {EXAMPLE}.")


class DatabaseEntry(TypedDict):
    """One entry of Django's DATABASES."""

    ENGINE: str
    NAME: str
    USER: str
    PASSWORD: str
    HOST: str
    PORT: str
    OPTIONS: dict[str, str]


def parse_database_url(url: str, *, engine: str) -> DatabaseEntry:
    """The DATABASES entry for this address; a unix socket's folder is the query parameter `host`.

    Query parameters are libpq's; `host`, `port`, `user`, `password` and `dbname` replace the address' own.
    Raises InvalidDatabaseURL.
    """
    address = _split(url)
    query = _query(address)
    entry = DatabaseEntry(
        ENGINE=engine,
        NAME=_decode(query.pop("dbname", None), address.path.removeprefix("/"), "database name"),
        USER=_decode(query.pop("user", None), address.username, "user"),
        PASSWORD=_decode(query.pop("password", None), address.password, "password"),
        HOST=_decode(query.pop("host", None), address.hostname, "host"),
        PORT=_port(query.pop("port", None), address),
        OPTIONS=query,
    )
    _demand_sense(entry)
    return entry


def _split(url: str) -> SplitResult:
    if CONTROL_CHARACTER.search(url):
        raise InvalidDatabaseURL("holds a space or control character (write it as %20, %0A, ...)")
    if BROKEN_ESCAPE.search(url):
        raise InvalidDatabaseURL("holds a % that starts no escape (write a plain % as %25)")
    scheme, separator, _rest = url.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise InvalidDatabaseURL("does not start with postgresql://")
    if "#" in url:
        raise InvalidDatabaseURL("holds a # (write it as %23)")
    address = _try_split(url)
    if address is None:
        raise InvalidDatabaseURL("has a host that cannot be read (an IPv6 address needs [brackets])")
    if "@" in address.path + address.query:
        raise InvalidDatabaseURL("holds an @ after the host (a / or ? within a password is written %2F, %3F)")
    if address.netloc.count("@") > 1:
        raise InvalidDatabaseURL("holds more than one @ (write one within a password as %40)")
    return address


def _try_split(url: str) -> SplitResult | None:
    # The errors of urlsplit quote the address; leaving them behind keeps the password out of tracebacks.
    try:
        address = urlsplit(url)
        return address if address.hostname is not None or not address.netloc.endswith("]") else None
    except ValueError:
        return None


def _query(address: SplitResult) -> dict[str, str]:
    found: dict[str, str] = {}
    if not all("=" in pair for pair in address.query.split("&") if address.query):
        raise InvalidDatabaseURL("has a parameter without a value")
    for name, value in parse_qsl(address.query, keep_blank_values=True):
        if name not in ADDRESS_PARTS and name not in LIBPQ_OPTIONS:
            raise InvalidDatabaseURL(f"has the unknown parameter {name[:40]!r}")
        if name in found:
            raise InvalidDatabaseURL(f"has the parameter {name!r} twice")
        found[name] = value
    mode = found.get("sslmode", SSL_MODES[0])
    if mode not in SSL_MODES:
        raise InvalidDatabaseURL(f"has an sslmode other than {', '.join(SSL_MODES)}")
    return found


def _decode(chosen: str | None, escaped: str | None, part: str) -> str:
    """The parameter (decoded already) if there is one, else the part of the address, decoded."""
    try:
        value = chosen if chosen is not None else unquote(escaped or "", errors="strict")
    except UnicodeDecodeError:
        value = "\0"
    if "\0" in value or "\ufffd" in value:
        raise InvalidDatabaseURL(f"has a {part} with a NUL or bytes that are not UTF-8")
    return value


def _port(chosen: str | None, address: SplitResult) -> str:
    _user, _at, place = address.netloc.rpartition("@")
    if "," in place:
        raise InvalidDatabaseURL("names several hosts (write them as ?host=one,two&port=5432,5432)")
    after_host = place.rpartition("]")[2] if "]" in place else place
    written = chosen if chosen is not None else after_host.partition(":")[2]
    for port in written.split(",") if written else ():
        if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= LAST_PORT):
            raise InvalidDatabaseURL(f"has a port that is not a number from 1 to {LAST_PORT}")
    return written


def _demand_sense(entry: DatabaseEntry) -> None:
    if not entry["NAME"]:
        raise InvalidDatabaseURL("names no database")
    if "/" in entry["NAME"]:
        raise InvalidDatabaseURL("has a / in the database name (a / within a password is written %2F)")

"""DATABASE_URL: what is understood, what is refused, and that no password is ever repeated."""

from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.database import DatabaseEntry, InvalidDatabaseURL, parse_database_url

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffd"), min_size=1)
SECRET = "s3cr3t"


def parse(url: str) -> DatabaseEntry:
    """The entry for this address, with some engine."""
    return parse_database_url(url, engine="engine")


def test_parse__full_address__fills_every_part() -> None:
    """An ordinary address is taken apart."""
    assert parse("postgresql://ana:pw@db.example.org:5433/app?sslmode=require&application_name=x") == {
        "ENGINE": "engine",
        "NAME": "app",
        "USER": "ana",
        "PASSWORD": "pw",
        "HOST": "db.example.org",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require", "application_name": "x"},
    }


def test_parse__socket_folder_as_parameter__is_the_host() -> None:
    """A unix socket is named by the folder it is in."""
    entry = parse("postgresql://smartmodels@/app?host=%2Fvar%2Frun%20x&port=5432")

    assert (entry["HOST"], entry["PORT"], entry["OPTIONS"]) == ("/var/run x", "5432", {})


def test_parse__only_a_database__leaves_the_rest_to_libpq() -> None:
    """Parts that are not named stay empty."""
    entry = parse("postgres:///app")

    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"]) == ("", "", "", "")


@pytest.mark.parametrize("host", ["[::1]", "[::1]:5432"])
def test_parse__ipv6_in_brackets__is_the_host(host: str) -> None:
    """The brackets belong to the address, not to the host."""
    assert parse(f"postgresql://u@{host}/app")["HOST"] == "::1"


def test_parse__several_hosts_as_parameters__are_kept() -> None:
    """Lists of hosts and ports go to libpq as they are."""
    assert parse("postgresql:///app?host=a,b&port=1,2")["PORT"] == "1,2"


@given(user=TEXT, password=TEXT)
def test_parse__escaped_user_and_password__come_back_as_they_were(user: str, password: str) -> None:
    """Whatever is escaped is found again."""
    entry = parse(f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@h/app")

    assert (entry["USER"], entry["PASSWORD"]) == (user, password)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "does not start with postgresql://"),
        ("app", "does not start with postgresql://"),
        (f"mysql://u:{SECRET}@h/app", "does not start with postgresql://"),
        (f"postgresql://u:{SECRET}@h", "names no database"),
        (f"postgresql://u:{SECRET}@h/", "names no database"),
        (f"postgresql://u:{SECRET}@h/a/b", "/ in the database name"),
        (f"postgresql://u:{SECRET}@h:port/app", "port that is not a number"),
        (f"postgresql://u:{SECRET}@h:0/app", "port that is not a number"),
        (f"postgresql://u:{SECRET}@h:65536/app", "port that is not a number"),
        (f"postgresql://u:{SECRET}@h:99999999999999999999/app", "port that is not a number"),
        (f"postgresql://u:{SECRET}@h:\u0663/app", "port that is not a number"),
        (f"postgresql://u:{SECRET}/x@h/app", "an @ after the host"),
        (f"postgresql://u:x?{SECRET}=1@h/app", "an @ after the host"),
        (f"postgresql://u:{SECRET}#x@h/app", "holds a #"),
        (f"postgresql://u:{SECRET}@x@h/app", "more than one @"),
        (f"postgresql://u:{SECRET}%zz@h/app", "% that starts no escape"),
        (f"postgresql://u:{SECRET}%00@h/app", "NUL"),
        (f"postgresql://u:{SECRET}%ff@h/app", "not UTF-8"),
        (f"postgresql://u:{SECRET}@h/app\n", "control character"),
        (f"postgresql://u:{SECRET}@[::1/app", "host that cannot be read"),
        (f"postgresql://u:{SECRET}@a:1,b:2/app", "several hosts"),
        (f"postgresql://u:{SECRET}@h/app?nonsense=1", "unknown parameter 'nonsense'"),
        (f"postgresql://u:{SECRET}@h/app?sslmode=maybe", "sslmode other than"),
        (f"postgresql://u:{SECRET}@h/app?sslmode=require&sslmode=disable", "twice"),
        (f"postgresql://u:{SECRET}@h/app?sslmode", "without a value"),
    ],
)
def test_parse__hostile_address__names_the_fault_and_no_secret(url: str, fault: str) -> None:
    """What cannot be used is refused with its fault, and the password stays out of the message."""
    with pytest.raises(InvalidDatabaseURL) as caught:
        parse(url)

    assert fault in str(caught.value)
    assert SECRET not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"


@given(st.text())
def test_parse__any_text__is_an_entry_or_a_clear_error(text: str) -> None:
    """No input ends in another error than the one that is documented."""
    with suppress(InvalidDatabaseURL):
        assert parse(f"postgresql://{text}")["NAME"]

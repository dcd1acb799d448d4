"""Slugs, hosts and schema names: made and compared in one way (DESIGN T4)."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartmodels.conf import settings as library_settings
from smartmodels.exceptions import SlugInvalid
from smartmodels.tenancy.names import fold_host, new_schema_name, primary_host, public_hosts, validate_slug

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z", re.ASCII)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST, LONGEST = 2, 31


def is_good(slug: str) -> bool:
    """The rules again, said in another way."""
    long_enough = SHORTEST <= len(slug) <= LONGEST
    return bool(SLUG.match(slug)) and long_enough and slug not in library_settings().RESERVED_SLUGS


# Slugs


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ("acme", "acme"),
        ("ACME", "acme"),
        (" acme ", "acme"),
        ("a1", "a1"),
        ("a-1-b", "a-1-b"),
        ("a" * 31, "a" * 31),
    ],
)
def test_slug__that_keeps_the_rules__is_taken_in_lower_case(given: str, slug: str) -> None:
    """White space around it does not matter."""
    assert validate_slug(given) == slug


@pytest.mark.parametrize(
    "given",
    [
        "", " ", "a", "1a", "-a", "a-", "a--b", "xn--abc", "a_b", "a.b", "a b", "a/b", "a:b", "a" * 32,
        "a\x00b", "ab\n\n-", "\u00e4b", "\u212aelvin", "\u0430cme", "a\u200bb", "\ud800a", "a'b", 'a"b',
        "a;b", "%61b", "public",
    ],
)  # fmt: skip
def test_slug__that_breaks_a_rule__is_refused(given: str) -> None:
    """Letters that look alike included: a Kelvin sign is no k."""
    with pytest.raises(SlugInvalid):
        validate_slug(given)


@pytest.mark.parametrize("reserved", library_settings().RESERVED_SLUGS)
def test_slug__that_is_reserved__is_refused_in_any_case(reserved: str) -> None:
    """Hosts of the platform itself."""
    for spelling in (reserved, reserved.upper(), f" {reserved.title()} "):
        with pytest.raises(SlugInvalid, match="reserved"):
            validate_slug(spelling)


def test_slug__reserved_by_a_setting__is_refused(settings: Any) -> None:
    """Operators reserve their own."""
    settings.SMARTMODELS_RESERVED_SLUGS = ("acme",)
    with pytest.raises(SlugInvalid, match="reserved"):
        validate_slug("acme")


def test_refusal__of_a_slug__names_it_and_the_rule() -> None:
    """What was given, and what would do."""
    with pytest.raises(SlugInvalid, match=r"'1x'.*beginning with a letter") as caught:
        validate_slug("1x")
    assert (caught.value.status, caught.value.details) == (400, {"slug": "1x"})


@given(st.text())
def test_slug__of_any_text__is_good_or_refused(text: str) -> None:
    """Whatever is accepted keeps every rule."""
    try:
        slug = validate_slug(text)
    except SlugInvalid:
        slug = None
    assert slug is None or (is_good(slug) and slug == text.strip().lower())


@given(st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,33}", fullmatch=True))
def test_slug__that_looks_like_one__is_accepted_exactly_when_good(text: str) -> None:
    """The rules and the code agree."""
    try:
        validate_slug(text)
        accepted = True
    except SlugInvalid:
        accepted = False
    assert accepted == is_good(text.lower())


# Schema names


@given(st.from_regex(r"[a-z][a-z0-9-]{1,30}", fullmatch=True))
def test_schema_name__of_any_slug__fits_postgresql_and_needs_no_quotes(slug: str) -> None:
    """63 bytes, letters, digits and underscores."""
    assert re.fullmatch(r"t_[a-z0-9_]{2,31}_[0-9a-f]{12}", new_schema_name(slug))


def test_schema_names__of_one_slug__are_never_the_same() -> None:
    """A slug may come again; its schema does not."""
    assert len({new_schema_name("acme") for _ in range(1000)}) == 1000


# Hosts


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("acme.localhost", "acme.localhost"),
        ("ACME.Localhost", "acme.localhost"),
        ("acme.localhost.", "acme.localhost"),
        ("acme.localhost:8000", "acme.localhost"),
        ("acme.localhost.:8000", "acme.localhost"),
        (" acme.localhost ", "acme.localhost"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::1]:8000", "[::1]"),
        ("[2001:DB8::1]:80", "[2001:db8::1]"),
        ("", ""),
    ],
)
def test_host__in_any_spelling__folds_to_one(raw: str, folded: str) -> None:
    """Case, port and trailing dot."""
    assert fold_host(raw) == folded


@given(st.text(alphabet=LETTERS + LETTERS.upper() + "0123456789.-:[]", max_size=40))
def test_host__folded_twice__is_as_folded_once(raw: str) -> None:
    """Folding ends."""
    assert fold_host(fold_host(raw)) == fold_host(raw)


@given(
    st.from_regex(r"[a-z][a-z0-9]{1,10}(\.[a-z]{1,5}){0,3}", fullmatch=True),
    st.integers(1, 65535),
    st.booleans(),
)
def test_host__with_port_and_dot__is_the_host(host: str, port: int, dotted: bool) -> None:
    """Whatever browsers and proxies add."""
    assert fold_host(f"{host.upper()}{'.' if dotted else ''}:{port}") == host


def test_primary_host__of_a_slug__stands_below_the_base_domain(settings: Any) -> None:
    """However the operator spelled it."""
    settings.SMARTMODELS_BASE_DOMAIN = "Example.ORG."
    assert primary_host("acme") == "acme.example.org"


def test_public_hosts__of_the_settings__are_folded(settings: Any) -> None:
    """They are compared with folded hosts."""
    settings.SMARTMODELS_BASE_DOMAIN = "Example.ORG"
    settings.SMARTMODELS_PUBLIC_HOSTS = ("Admin.Example.org:8000",)
    assert public_hosts() == {"example.org", "admin.example.org"}

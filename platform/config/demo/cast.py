"""The people of the demo. Their passwords are public: this is for looking around, on this machine alone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from django.contrib.auth.hashers import make_password

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Membership, Namespace
from smartmodels.exceptions import InvalidInput
from smartmodels.tenancy.models import Role

__all__ = [
    "BO",
    "DINA",
    "PASSWORD",
    "PEOPLE",
    "STAFF",
    "TARA",
    "VIC",
    "Person",
    "account_of",
    "join",
    "make_accounts",
]

PASSWORD = "only-for-the-demo"  # noqa: S105 - public on purpose


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the demo; ``homes`` says in which namespaces, by slug, and in which role."""

    name: str
    about: str
    homes: dict[str, Role] = field(default_factory=dict, hash=False)
    is_staff: bool = False

    @property
    def email(self) -> str:
        """Return the address to log in with; nobody's, by RFC 2606."""
        return f"{self.name.lower()}@demo.example"

    @property
    def key(self) -> uuid.UUID:
        """Return the account's key: always the same, so that a second run knows it again."""
        return uuid.uuid5(uuid.NAMESPACE_DNS, self.email)


STAFF = Person("Staff", "runs the platform", is_staff=True)
TARA = Person("Tara", "owns torgersen", {"torgersen": Role.OWNER})
BO = Person("Bo", "owns biscoe, works in dream too", {"biscoe": Role.OWNER, "dream": Role.MEMBER})
DINA = Person("Dina", "owns dream", {"dream": Role.OWNER})
VIC = Person("Vic", "worked in torgersen and left", {"torgersen": Role.MEMBER})
PEOPLE = (TARA, BO, DINA, VIC)


def account_of(person: Person) -> User:
    """Return the person's account, which :func:`make_accounts` made."""
    return User.objects.get(pk=person.key)


def make_accounts() -> int:
    """Make the accounts that are missing; return how many were.

    Raises InvalidInput when somebody else has one of the addresses.
    """
    everybody = (STAFF, *PEOPLE)
    there = dict(User.objects.filter(email__in=[p.email for p in everybody]).values_list("email", "pk"))
    known = set(User.objects.filter(pk__in=[p.key for p in everybody]).values_list("pk", flat=True))
    missing = [person for person in everybody if person.key not in known]
    for person in missing:
        if person.email in there:
            raise InvalidInput(f"{person.email} is an account that the demo did not make: rename it first.")
    if missing:
        # Hashed once for all: it takes most of a second and the password is public anyway.
        password = make_password(PASSWORD)
        User.objects.bulk_create(_account(person, password) for person in missing)
    return len(missing)


def _account(person: Person, password: str) -> User:
    return User(
        id=person.key,
        email=person.email,
        name=person.name,
        password=password,
        is_staff=person.is_staff,
        is_superuser=person.is_staff,
    )


def join(namespace: Namespace) -> int:
    """Make everybody a member who belongs to the namespace and has not left; return how many were not."""
    joined = 0
    for person in PEOPLE:
        account = account_of(person)
        if namespace.slug in person.homes and account.is_active:
            _, made = Membership.objects.get_or_create(
                namespace=namespace, user=account, defaults={"role": person.homes[namespace.slug]}
            )
            joined += made
    return joined

"""Who and what is in every test database."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher

PASSWORD = "correct horse battery"
PEOPLE = ("ana", "ben", "vic", "bea", "staff")
OWNERS = {"alpha": "ana", "beta": "bea"}
MEMBERS = (("alpha", "ben", "member"), ("alpha", "vic", "viewer"), ("beta", "ben", "member"))


def email_of(name: str) -> str:
    """The address a person logs in with."""
    return f"{name}@example.org"


class QuickHasher(PBKDF2PasswordHasher):
    """The hasher of the real settings with fewer rounds: quick here, readable there."""

    iterations = 1000

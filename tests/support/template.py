"""Fill the template database: every migration, the people, and two active namespaces.

Run as a program, with DATABASE_URL naming an empty database.
"""

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.test import override_settings  # noqa: E402

from shared_apps.accounts.models import User  # noqa: E402
from shared_apps.namespaces.models import Membership  # noqa: E402
from smartmodels.tenancy.provisioning import provision  # noqa: E402
from tests.support.people import MEMBERS, OWNERS, PASSWORD, PEOPLE, email_of  # noqa: E402


def fill() -> None:
    """Make everything through the services the application uses."""
    call_command("migrate", public_only=True, verbosity=0)
    people = {name: User.objects.create_user(email_of(name), PASSWORD) for name in PEOPLE}
    User.objects.filter(pk=people["staff"].pk).update(is_staff=True, is_superuser=True)
    # No operation, and so no entry in the audit: tests look at what they do themselves.
    made = {slug: provision(slug, name=slug.title(), owner=people[owner]) for slug, owner in OWNERS.items()}
    for slug, person, role in MEMBERS:
        Membership.objects.create(namespace=made[slug], user=people[person], role=role)


if __name__ == "__main__":
    with override_settings(PASSWORD_HASHERS=["tests.support.people.QuickHasher"]):
        fill()

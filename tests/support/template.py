"""Fill the template database: every migration, the people, and two active namespaces.

Run as a program, with DATABASE_URL naming an empty database.
"""

import os

import django
from django.core.management import call_command
from django.core.management.commands import migrate
from django.test import override_settings

from tests.support.people import MEMBERS, OWNERS, PASSWORD, PEOPLE, email_of


def fill() -> None:
    """Make everything through the services the application uses."""
    from shared_apps.accounts.models import User  # noqa: PLC0415 - models load after django.setup()
    from shared_apps.namespaces.models import Membership  # noqa: PLC0415
    from smartmodels.context import Actor, operation  # noqa: PLC0415
    from smartmodels.tenancy.provisioning import provision  # noqa: PLC0415

    call_command(migrate.Command(), verbosity=0)
    people = {name: User.objects.create_user(email_of(name), PASSWORD) for name in PEOPLE}
    User.objects.filter(pk=people["staff"].pk).update(is_staff=True, is_superuser=True)
    with operation(actor=Actor.system("tests")):
        made = {
            slug: provision(slug, name=slug.title(), owner=people[owner]) for slug, owner in OWNERS.items()
        }
    for slug, person, role in MEMBERS:
        Membership.objects.create(namespace=made[slug], user=people[person], role=role)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    with override_settings(PASSWORD_HASHERS=["tests.support.people.QuickHasher"]):
        fill()

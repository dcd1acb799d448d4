"""What people call deleting a user: close the account, keep what it made, and forget who it was.

Each of the three is one transaction in the public schema, then work in every namespace in batches, which
any process can go on with: :func:`continue_handovers`.
"""

from shared_apps.namespaces.closing.anonymising import anonymise_account, anonymise_due, plan_anonymising
from shared_apps.namespaces.closing.changes import AccountChange
from shared_apps.namespaces.closing.ending import close_account, plan_closing
from shared_apps.namespaces.closing.restoring import plan_restoring, restorable_until, restore_account
from shared_apps.namespaces.closing.work import continue_handovers

__all__ = [
    "AccountChange",
    "anonymise_account",
    "anonymise_due",
    "close_account",
    "continue_handovers",
    "plan_anonymising",
    "plan_closing",
    "plan_restoring",
    "restorable_until",
    "restore_account",
]

"""Who closes an account waits for those who write rows for it, and they for him.

Each INSERT of rows with an owner holds the owner's lock shared until its transaction ends (owner.sql); who
closes the account takes it alone, so that nothing is on its way when the account is marked as closed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

from smartmodels.exceptions import AccountBusy

__all__ = ["LOCK_CLASS", "hold_accounts"]

LOCK_CLASS = 0x736F
"""First half of the keys of the advisory locks; the second is a hash of the account's key."""


def hold_accounts(
    user_ids: Iterable[uuid.UUID], *, shared: Iterable[uuid.UUID] = (), wait: float, using: str = "default"
) -> None:
    """Take the locks of the accounts until the transaction ends, in an order that all callers share.

    Accounts in ``shared`` may go on getting rows. Raises AccountBusy when a transaction that writes rows
    for one of them does not end within ``wait`` seconds.
    """
    modes = dict.fromkeys(shared, "_shared") | dict.fromkeys(user_ids, "")
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), set_config('lock_timeout', %s, true)",
            [f"{max(1, int(wait * 1000))}ms"],
        )
        before = cursor.fetchone()[0]
        try:
            for user_id in sorted(modes):
                take = f"SELECT pg_advisory_xact_lock{modes[user_id]}(%s, uuid_hash(%s::uuid))"
                cursor.execute(take, [LOCK_CLASS, user_id])
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise AccountBusy(
                    f"Rows are being written for the account, for more than {wait:g} s now: "
                    "nothing was changed, try again shortly.",
                    retry_after=5,
                ) from error
            raise
        # Whom this transaction knows to be open may be closed in it from now on.
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('smartmodels.open_account', '', true)",
            [before],
        )

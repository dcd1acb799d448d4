"""Make a namespace, and bring a half-made one to an end.

A state machine in the namespace's row: ``reserved -> creating -> active``. Where a spare or the template's
script is at hand everything after the reservation is one transaction; else every step can be repeated and
records itself when it is done. So a process that is killed at any point leaves a namespace that
:func:`resume` finishes or :func:`rollback` removes.
"""

from smartmodels.tenancy.locking import exclusively
from smartmodels.tenancy.provisioning.finding import (
    find_namespace,
    require_unfinished,
    unfinished,
)
from smartmodels.tenancy.provisioning.finishing import provision, resume
from smartmodels.tenancy.provisioning.removing import expire_reservations, expired, rollback
from smartmodels.tenancy.provisioning.reserving import reserve
from smartmodels.tenancy.provisioning.steps import STEPS

__all__ = [
    "STEPS",
    "exclusively",
    "expire_reservations",
    "expired",
    "find_namespace",
    "provision",
    "require_unfinished",
    "reserve",
    "resume",
    "rollback",
    "unfinished",
]

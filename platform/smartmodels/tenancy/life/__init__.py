"""The life of a namespace once it is made: what staff does to it, each in one audited transaction."""

from smartmodels.tenancy.life.archiving import archive, unarchive
from smartmodels.tenancy.life.deleting import delete, undelete
from smartmodels.tenancy.life.domains import (
    add_domain,
    domains_of,
    make_primary,
    proof_record,
    remove_domain,
    verify_domain,
)
from smartmodels.tenancy.life.keys import find_key, keys_of, make_key, revoke_key, rotate_key
from smartmodels.tenancy.life.members import add_member, change_role, members_of, remove_member
from smartmodels.tenancy.life.origins import known_origin, set_origins
from smartmodels.tenancy.life.purging import purge, purge_expired, require_purgeable
from smartmodels.tenancy.life.rehearsing import rehearsed
from smartmodels.tenancy.life.renaming import find_renamed, rename
from smartmodels.tenancy.life.suspending import begin_maintenance, end_maintenance, resume, serve, suspend

__all__ = [
    "add_domain",
    "add_member",
    "archive",
    "begin_maintenance",
    "change_role",
    "delete",
    "domains_of",
    "end_maintenance",
    "find_key",
    "find_renamed",
    "keys_of",
    "known_origin",
    "make_key",
    "make_primary",
    "members_of",
    "proof_record",
    "purge",
    "purge_expired",
    "rehearsed",
    "remove_domain",
    "remove_member",
    "rename",
    "require_purgeable",
    "resume",
    "revoke_key",
    "rotate_key",
    "serve",
    "set_origins",
    "suspend",
    "unarchive",
    "undelete",
    "verify_domain",
]

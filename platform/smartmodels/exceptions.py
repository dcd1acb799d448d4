"""Every error the library raises. One root; each names its code, its HTTP status and the way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = [
    "AccountAnonymised",
    "AccountBusy",
    "AccountKept",
    "AccountOpen",
    "ActorRequired",
    "DatabaseUnavailable",
    "GraceOver",
    "GrantStateRefused",
    "HistoryAppendOnly",
    "HistoryReadOnly",
    "HostTaken",
    "HostUnknown",
    "IdempotencyKeyReused",
    "InvalidInput",
    "KeyFixed",
    "ManySchemasReadOnly",
    "ManySchemasUnsupported",
    "MarkExists",
    "MarkUnknown",
    "NamespaceBehind",
    "NamespaceBusy",
    "NamespaceCrowded",
    "NamespaceFailed",
    "NamespaceMismatch",
    "NamespaceNotActive",
    "NamespaceNotBound",
    "NamespaceNotFound",
    "NamespaceSuspended",
    "NotPermitted",
    "OperationUnknown",
    "OwnerClosed",
    "ParentDeleted",
    "ProtectedRows",
    "PurgeRefused",
    "RateLimited",
    "ReportUnavailable",
    "RestoreConflict",
    "RevertConflict",
    "RowNotFound",
    "RunUnknown",
    "SentinelProtected",
    "ShareRefused",
    "SlugInvalid",
    "SlugTaken",
    "SmartModelsError",
    "SoleOwner",
    "StatementTimeout",
    "WriteConflict",
]


class SmartModelsError(Exception):
    """Something the library refuses: a stable ``code``, an HTTP ``status``, ``details`` to act on."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class NamespaceNotBound(SmartModelsError):
    """A tenant model was used while no namespace is bound: wrap the call in ``namespace_scope(...)``."""

    code = "namespace-not-bound"
    status = 500


class NamespaceMismatch(SmartModelsError):
    """A row or queryset of one namespace was used in another: fetch it again where it is used."""

    code = "namespace-mismatch"
    status = 500


class NamespaceNotFound(SmartModelsError):
    """No namespace has this slug: see ``manage.py namespace list``."""

    code = "namespace-not-found"
    status = 404


class HostUnknown(SmartModelsError):
    """No namespace is served on this host."""

    code = "host-unknown"
    status = 404


class NamespaceNotActive(SmartModelsError):
    """The namespace exists but is not ready to be served: try again shortly."""

    code = "namespace-not-active"
    status = 503


class NamespaceBehind(SmartModelsError):
    """The namespace lacks a migration without which this code cannot serve it: ``namespace migrate`` it."""

    code = "namespace-behind"
    status = 503


class NamespaceSuspended(SmartModelsError):
    """The namespace is suspended: its owner can ask the operator to resume it."""

    code = "namespace-suspended"
    status = 503


class NamespaceBusy(SmartModelsError):
    """Another process is changing this namespace: wait for it to finish and try again."""

    code = "namespace-busy"
    status = 409


class NamespaceCrowded(SmartModelsError):
    """Too many requests of this namespace are under way at the same time: try again shortly."""

    code = "namespace-crowded"
    status = 429


class NamespaceFailed(SmartModelsError):
    """Provisioning stopped half-way: ``namespace resume`` finishes it, ``namespace rollback`` removes it."""

    code = "namespace-failed"
    status = 500


class RunUnknown(SmartModelsError):
    """No run of migrations has this id: see ``manage.py namespace runs``."""

    code = "run-unknown"
    status = 404


class SlugInvalid(SmartModelsError):
    """The slug breaks the rules for namespace names: choose another one."""

    code = "slug-invalid"
    status = 400


class SlugTaken(SmartModelsError):
    """A namespace of this slug exists already: choose another slug."""

    code = "slug-taken"
    status = 409


class HostTaken(SmartModelsError):
    """The host is served by another namespace already: choose another one."""

    code = "host-taken"
    status = 409


class InvalidInput(SmartModelsError):
    """A value that was given cannot be used: the message says which and why."""

    code = "invalid-input"
    status = 400


class ActorRequired(SmartModelsError):
    """A write without an actor: open one with ``operation(actor=...)``."""

    code = "actor-required"
    status = 500


class KeyFixed(SmartModelsError):
    """The key of a tracked row cannot change, since its history goes by it: make a new row instead."""

    code = "key-fixed"
    status = 409


class HistoryAppendOnly(SmartModelsError):
    """Versions are neither changed nor removed: ``manage.py history prune`` keeps the evidence."""

    code = "history-append-only"
    status = 409


class HistoryReadOnly(SmartModelsError):
    """A row as it was in the past is only read: plan_revert() and apply_revert() bring it back."""

    code = "history-read-only"
    status = 409


class OwnerClosed(SmartModelsError):
    """The account that was to own the row is closed: log in with another one, or name another owner."""

    code = "owner-closed"
    status = 409


class ParentDeleted(SmartModelsError):
    """The row would belong to one that is deleted: restore that first."""

    code = "parent-deleted"
    status = 409


class NotPermitted(SmartModelsError):
    """The actor may not do this: ask an admin of the namespace for a role that may."""

    code = "not-permitted"
    status = 403


class RowNotFound(SmartModelsError):
    """No such row is visible in this namespace."""

    code = "not-found"
    status = 404


class ProtectedRows(SmartModelsError):
    """Rows that point here forbid the deletion: delete or re-point them first."""

    code = "protected"
    status = 409


class PurgeRefused(SmartModelsError):
    """Only deleted rows are removed for good: delete what the details name first, then purge it."""

    code = "purge-refused"
    status = 409


class RestoreConflict(SmartModelsError):
    """The row cannot come back as it was: resolve what the details name, then restore again."""

    code = "restore-conflict"
    status = 409


class RevertConflict(SmartModelsError):
    """The revert would overwrite or break something: look at the conflicts in the plan first."""

    code = "revert-conflict"
    status = 409


class OperationUnknown(SmartModelsError):
    """No operation of this id changed anything here: see ``manage.py history operations``."""

    code = "operation-unknown"
    status = 404


class MarkUnknown(SmartModelsError):
    """No mark has this name here: see ``manage.py history marks``."""

    code = "mark-unknown"
    status = 404


class MarkExists(SmartModelsError):
    """A mark of this name exists already: choose another name, or delete that one first."""

    code = "mark-exists"
    status = 409


class GrantStateRefused(SmartModelsError):
    """The grant is not in a state in which this can be done to it: the message says in which."""

    code = "grant-state-refused"
    status = 409


class ShareRefused(SmartModelsError):
    """The row cannot be shared like this: the message says why and with whom it can."""

    code = "share-refused"
    status = 400


class SentinelProtected(SmartModelsError):
    """The sentinel user owns what others left behind: it can neither log in, be deleted nor join."""

    code = "sentinel-protected"
    status = 409


class AccountBusy(SmartModelsError):
    """Rows are being written for the account: nothing was changed, try again shortly."""

    code = "account-busy"
    status = 409


class AccountKept(SmartModelsError):
    """Accounts are not deleted, since rows and histories name them: close the account instead."""

    code = "account-kept"
    status = 409


class AccountOpen(SmartModelsError):
    """The account is open, and this is for closed ones: close it first, if that is what is wanted."""

    code = "account-open"
    status = 409


class AccountAnonymised(SmartModelsError):
    """The account is anonymised, or about to be: nothing brings it back, make a new one."""

    code = "account-anonymised"
    status = 409


class GraceOver(SmartModelsError):
    """The account was closed longer ago than ``SMARTMODELS_GRACE_DAYS``: make a new one."""

    code = "grace-over"
    status = 409


class SoleOwner(SmartModelsError):
    """The user is the only owner of an active namespace: name a new owner first."""

    code = "sole-owner"
    status = 409


class ManySchemasReadOnly(SmartModelsError):
    """Rows were read over many namespaces; writes happen in one: bind the home of each row first."""

    code = "many-schemas-read-only"
    status = 500


class ManySchemasUnsupported(SmartModelsError):
    """The query cannot be read over many schemas: the message says what stands in the way."""

    code = "many-schemas-unsupported"
    status = 500


class DatabaseUnavailable(SmartModelsError):
    """The database cannot be reached right now: try again shortly."""

    code = "database-unavailable"
    status = 503


class StatementTimeout(SmartModelsError):
    """One statement took longer than this kind of work may take: ask for less, or try again later."""

    code = "statement-timeout"
    status = 503


class WriteConflict(SmartModelsError):
    """Another request was writing the same rows, so nothing of this one was written: try again."""

    code = "write-conflict"
    status = 503


class RateLimited(SmartModelsError):
    """Too many requests in a short time: wait for as many seconds as ``Retry-After`` says."""

    code = "rate-limited"
    status = 429


class ReportUnavailable(SmartModelsError):
    """Frames and reports need the extra ``reports``: ``pip install django-smartmodels[reports]``."""

    code = "report-unavailable"
    status = 501


class IdempotencyKeyReused(SmartModelsError):
    """The idempotency key was given before with another wish: take a new key for a new wish."""

    code = "idempotency-key-reused"
    status = 422

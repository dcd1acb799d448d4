"""The library's settings as one typed object; every field documents itself and its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from smartmodels.conf.autoconfiguring import Change, applied, autoconfigure
from smartmodels.conf.given import GivenSettings

__all__ = ["Change", "GivenSettings", "SmartModelsSettings", "applied", "autoconfigure", "settings"]

PREFIX = "SMARTMODELS_"


@dataclass(frozen=True, slots=True)
class SmartModelsSettings:
    """``SMARTMODELS_<FIELD>`` in the Django settings overrides the default of each field."""

    BASE_DOMAIN: str = "localhost"
    """Namespaces are served on ``<slug>.<base domain>``; the bare base domain is the public host."""

    PUBLIC_HOSTS: tuple[str, ...] = ("127.0.0.1", "[::1]")
    """Further hosts of the public site, for health checks and tools that know no names."""

    NAMESPACE_MODEL: str = "namespaces.Namespace"
    """``app.Model`` of the concrete namespace: another spelling of django-tenants' ``TENANT_MODEL``."""

    GRANT_MODEL: str = "sharing.Grant"
    """``app.Model`` of the concrete grant, by which a row of one namespace is visible in another."""

    SCHEMA_STATE_MODEL: str = "namespaces.SchemaState"
    """``app.Model`` of the concrete table of which migrations each schema has."""

    MIGRATION_RUN_MODEL: str = "namespaces.MigrationRun"
    """``app.Model`` of the concrete run of ``manage.py namespace migrate``."""

    ANCHOR_MODEL: str = "operations.Anchor"
    """``app.Model`` of the concrete anchor, which keeps how far a namespace's chain of history reached."""

    TEMPLATE_MODEL: str = "namespaces.SchemaTemplate"
    """``app.Model`` of the concrete record of templates, from which new namespaces get their tables."""

    DIRECT_DATABASE: dict[str, Any] | None = None
    """How workers reach PostgreSQL when the default database is a pooler: an entry as in ``DATABASES``."""

    JOB_MODEL: str = "operations.Job"
    """``app.Model`` of the concrete record of background jobs."""

    JOB_HEARTBEAT: float = 5.0
    """Seconds between the signs of life of a worker."""

    JOB_STALLED: float = 30.0
    """Seconds without a sign of life after which a worker counts as dead and its jobs are done again."""

    JOB_KEEP_DAYS: float = 30.0
    """Days for which jobs that ended are kept."""

    JOB_STREAMS: int = 4
    """The most streams (of progress, of changes) one process serves at a time; each takes a thread."""

    JOB_STREAM_SECONDS: float = 60.0
    """Seconds after which a stream ends; the browser opens it again where it was."""

    WEBHOOK_MODEL: str = "webhooks.Webhook"
    """``app.Model`` of the concrete webhook; that of its deliveries is ``Delivery`` of the same app."""

    WEBHOOKS_MAX: int = 20
    """The most webhooks a namespace may have."""

    WEBHOOK_KEEP_DAYS: float = 30.0
    """Days for which deliveries of webhooks are kept, and can be replayed."""

    WEBHOOK_TIMEOUT: float = 10.0
    """Seconds in which a receiver must have answered, the connection included."""

    WEBHOOK_LOOPBACK: bool = False
    """Let webhooks go to this machine, without TLS: for tests, and to develop a receiver."""

    TRANSFER_FILE_BYTES: int = 10 * 2**30
    """The most bytes of uploaded files in an exported namespace, written or read."""

    AUDIT_MODEL: str = "operations.AuditEntry"
    """``app.Model`` of the concrete audit entry, which tells what was done to namespaces."""

    KEPT_ANSWER_MODEL: str = "operations.KeptAnswer"
    """``app.Model`` of the concrete answer that is kept under an ``Idempotency-Key``."""

    IDEMPOTENCY_HOURS: float = 24.0
    """Hours for which the answer to a request with an ``Idempotency-Key`` is kept."""

    IMPORT_CHUNK_MODEL: str = "operations.ImportChunk"
    """``app.Model`` of the concrete record of how far an import came."""

    SPARE_MODEL: str = "namespaces.Spare"
    """``app.Model`` of the concrete spare: a schema that is ready for the next namespace."""

    SPARE_NAMESPACES: int = 3
    """How many schemas are kept ready for new namespaces; 0 keeps none."""

    RESERVATION_MINUTES: int = 60
    """Minutes after which a namespace whose making was never finished is removed by the janitor."""

    HISTORY_WRITER: str = "trigger"
    """Who writes versions: ``trigger``, which sees every write, or ``statement``, which follows the ORM.

    After changing it, ``manage.py history check --repair`` installs or removes the triggers.
    """

    LEDGER_APP: str = "ledger"
    """Label of the tenant app that holds the ledger of history, marks and severed links."""

    OWNER_MODEL: str | None = None
    """Set to ``AUTH_USER_MODEL`` for private mode, where a row is visible to its owner alone."""

    PRIVATE_STAFF: bool = False
    """In private mode, staff see the rows of everybody in the namespaces they are members of."""

    SENTINEL_UID: str = "00000000-0000-7000-8000-000000000001"
    """Key of the sentinel user, who owns what deleted users and deleted rows leave behind."""

    SERVICE_UIDS: tuple[str, ...] = ()
    """Keys of the accounts of services, which nobody is offered as an owner; the sentinel is one always."""

    HIDE_DELETED: bool = True
    """``objects`` shows living rows alone; off, it shows deleted ones as well, as ``all_objects`` does."""

    INHERIT_NAMESPACES: str = "family"
    """Where else new rows are visible, besides where a grant covers what they belong to: ``home`` nowhere,
    else where their creator belongs: ``family`` there at once if the owner is the same, ``all`` at once
    anyway."""

    HIDE_SERVICE_OWNERS: bool = False
    """Leave out of lists what ``SERVICE_UIDS`` own; what the sentinel holds for deleted users stays."""

    GRACE_DAYS: int = 30
    """Days after closing in which an account can be restored; then the worker anonymises it."""

    CLOSING_WAIT: float = 10.0
    """Seconds that closing an account waits for transactions that are writing rows for it."""

    DEFAULT_REQUIRED: bool = True
    """Refuse writes to smart models while no operation (and so no actor) is open."""

    RESERVED_SLUGS: tuple[str, ...] = (
        "admin", "api", "app", "assets", "auth", "cdn", "docs", "ftp", "help", "localhost", "mail",
        "public", "root", "sentinel", "smtp", "static", "status", "support", "system", "template", "www",
    )  # fmt: skip
    """Slugs nobody can register."""

    CLONE_EXCLUDE: tuple[str, ...] = ()
    """Models (``app.Model``) whose rows a clone of a namespace leaves behind, such as webhooks or keys."""

    BACKUP_DIR: str | None = None
    """Folder for backups of single namespaces, one folder per namespace in it; None keeps no backups."""

    POOLER: bool = False
    """The database is reached through a pooler in transaction mode: no session state may be relied on."""

    MAX_SCHEMAS_PER_CONNECTION: int = 200
    """Schemas a connection may touch (each costs its server process memory) before it is replaced; 0: any."""

    STATEMENT_TIMEOUTS: Mapping[str, float] = field(
        default_factory=lambda: {"request": 30.0, "search": 3.0, "job": 3600.0}
    )
    """Seconds one statement may take, by kind of work; for other kinds the server decides.

    ``search`` is a list that is searched by patterns.
    """

    REQUESTS_PER_NAMESPACE: int = 6
    """Requests of one namespace that a process serves at the same time, fewer than its threads; 0: any."""

    KEYS_PER_NAMESPACE: int = 100
    """The most API keys a namespace may have at a time, expired and revoked ones not counted."""

    RATE_LIMITS: Mapping[str, tuple[int, int]] = field(
        default_factory=lambda: {"principal": (1200, 60), "namespace": (12_000, 60)}
    )
    """Most requests to the API in so many seconds, of one ``principal`` (a user, key, application or address)
    and of a whole ``namespace``; what is left out is not limited, and ``{}`` counts nothing."""

    RATE_COUNTER: str = "smartmodels.rest.access.counters.CacheCounter"
    """Dotted path of what counts requests: in the cache ``limits``, or ``PostgresCounter`` in the database.

    In a cache that is kept in memory each process counts for itself.
    """

    RATE_MODEL: str = "accounts.RateCount"
    """``app.Model`` of the concrete table that ``PostgresCounter`` counts in."""

    ROUTING_TTL: float = 60.0
    """Seconds a host's namespace stays cached when nothing announced a change; 0 asks for every request."""

    RETRY_AFTER: int = 5
    """Seconds in ``Retry-After`` while a namespace is being made or moved."""

    MAINTENANCE_RETRY_AFTER: int = 300
    """Seconds in ``Retry-After`` during maintenance for which nobody said when it ends."""

    SUSPENDED_RETRY_AFTER: int = 3600
    """Seconds in ``Retry-After`` while a namespace is suspended."""

    NAMESPACE_GRACE_DAYS: int = 30
    """Days in which a deleted namespace can be brought back; then it is purged."""

    HOST_QUARANTINE_DAYS: int = 30
    """Days in which a host that was removed from a namespace can be added to no other one."""

    HOST_CLAIM_DAYS: int = 7
    """Days in which a host that was added must be proved; then another namespace may add it."""

    TXT_RESOLVER: str = "smartmodels.tenancy.life.txt.txt_records"
    """Dotted path of what returns the TXT records of a name as a list of texts; the default needs the
    extra ``domains``."""

    PAGE_SIZE: int = 100
    """Rows on a page of a list when the caller does not say."""

    PAGE_SIZE_MAX: int = 1000
    """The most rows one page may hold."""

    REQUIRE_IF_MATCH: bool = False
    """Changing or deleting a row over REST needs ``If-Match``; off, where the viewset says so
    (``requires_if_match``)."""

    SCHEMAS_PER_STATEMENT: int = 50
    """How many schemas one statement of a report or a shared list may touch."""

    REPORT_TIMEOUT: float = 60.0
    """Seconds that one statement of a report or frame may take."""

    FRAMES: str = "smartmodels.reports.frames.Frames"
    """Dotted path of what ``to_dataframe()`` and its siblings use; needs the extra ``reports``."""


@cache
def settings() -> SmartModelsSettings:
    """Return the settings in force; they are read once and again after a test overrides one."""
    given: dict[str, Any] = {
        each.name: getattr(django_settings, PREFIX + each.name)
        for each in fields(SmartModelsSettings)
        if hasattr(django_settings, PREFIX + each.name)
    }
    if hasattr(django_settings, "TENANT_MODEL"):
        given.setdefault("NAMESPACE_MODEL", django_settings.TENANT_MODEL)
    return SmartModelsSettings(**given)


def _forget(*, setting: str, **_: Any) -> None:
    if setting.startswith(PREFIX) or setting == "TENANT_MODEL":
        settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="smartmodels.conf")

"""Django's settings. Everything an operator sets is an environment variable, read here and nowhere else."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from config.connections import whole_number, with_connections
from config.database import parse_database_url
from config.folders import apps_below
from config.secrets import secret_key

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("SMARTMODELS_DATA", ROOT / ".data"))
DEBUG = os.environ.get("DJANGO_DEBUG", "") == "1"
SECRET_KEY = secret_key(os.environ, DATA)

# Apps: shared ones live in the public schema, tenant ones in every namespace's

# The extra `oauth` brings applications of others and pages of other origins: without it there is neither.
OAUTH = find_spec("oauth2_provider") is not None and find_spec("corsheaders") is not None
TENANT_APPS = apps_below(ROOT / "tenant_apps")
SHARED_APPS = [
    "config",
    *(app for app in apps_below(ROOT / "shared_apps") if OAUTH or app != "shared_apps.oauth"),
    *(["oauth2_provider", "corsheaders"] if OAUTH else []),
    "smartmodels.apps.SmartModelsConfig",
    "django.contrib.admin",  # before django_tenants, which brings its own templates for the admin
    "django_tenants",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "simple_history",
    "safedelete",
    "procrastinate.contrib.django",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]

# Database

DATABASES = {
    "default": with_connections(
        parse_database_url(
            os.environ.get("DATABASE_URL", "postgresql:///smartmodels"), engine="smartmodels.tenancy.engine"
        ),
        os.environ,
    )
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Namespaces

TENANT_MODEL = "namespaces.Namespace"
TENANT_DOMAIN_MODEL = "namespaces.Domain"
SMARTMODELS_BASE_DOMAIN = os.environ.get("BASE_DOMAIN", "localhost")
SMARTMODELS_DIRECT_DATABASE = (
    parse_database_url(os.environ["DATABASE_DIRECT_URL"], engine="smartmodels.tenancy.engine")
    if os.environ.get("DATABASE_DIRECT_URL")
    else None
)
SMARTMODELS_POOLER = os.environ.get("DATABASE_POOLER", "") == "1"
SMARTMODELS_WEBHOOK_LOOPBACK = os.environ.get("WEBHOOK_LOOPBACK", "") == "1"
SMARTMODELS_BACKUP_DIR = os.environ.get("SMARTMODELS_BACKUP_DIR")
SMARTMODELS_MAX_SCHEMAS_PER_CONNECTION = whole_number(
    "MAX_SCHEMAS_PER_CONNECTION", os.environ.get("MAX_SCHEMAS_PER_CONNECTION", "200")
)
SMARTMODELS_REQUESTS_PER_NAMESPACE = whole_number(
    "REQUESTS_PER_NAMESPACE", os.environ.get("REQUESTS_PER_NAMESPACE", "6")
)
SMARTMODELS_RATE_LIMITS = {
    "principal": (whole_number("RATE_LIMIT_PRINCIPAL", os.environ.get("RATE_LIMIT_PRINCIPAL", "1200")), 60),
    "namespace": (whole_number("RATE_LIMIT_NAMESPACE", os.environ.get("RATE_LIMIT_NAMESPACE", "12000")), 60),
}
if os.environ.get("RATE_COUNTER", "") == "postgresql":
    SMARTMODELS_RATE_COUNTER = "smartmodels.rest.access.counters.PostgresCounter"
ALLOWED_HOSTS = ["*"]  # NamespaceMiddleware refuses every host that nobody registered.
ROOT_URLCONF = "config.urls_namespace"
PUBLIC_URLCONF = "config.urls_public"

MIDDLEWARE = [
    "smartmodels.tenancy.middleware.NamespaceMiddleware",
    *(["smartmodels.rest.access.cors.NamespaceCorsMiddleware"] if OAUTH else []),
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shared_apps.namespaces.middleware.IdentityMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# Programs of others: see shared_apps/oauth. Tokens are kept as digests; all advice of RFC 9700 is followed.

OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Application"
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "ACCESS_TOKEN_GENERATOR": "shared_apps.oauth.tokens.new_access_token",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "OAUTH2_VALIDATOR_CLASS": "shared_apps.oauth.validating.NamespaceValidator",
    "PKCE_REQUIRED": True,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 86400,
    "REFRESH_TOKEN_GENERATOR": "shared_apps.oauth.tokens.new_refresh_token",
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ROTATE_REFRESH_TOKEN": True,
    "SCOPES_BACKEND_CLASS": "shared_apps.oauth.scopes.NamespaceScopes",
    **{
        f"COMPLIANT_BCP_RFC9700_{advice}": True
        for advice in (
            "ACCESS_TOKEN_TRANSPORT", "AUTHZ_RESPONSE_ISS", "IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD",
            "PKCE_REQUIRED", "REDIRECT_URI_MATCHING", "REDIRECT_URI_SCHEME", "REFRESH_TOKEN", "TOKEN_STORAGE",
        )
    },
}  # fmt: skip
CORS_ALLOW_HEADERS = (
    "accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match",
    "last-event-id", "prefer", "x-reason",
)  # fmt: skip
CORS_EXPOSE_HEADERS = (
    "deprecation", "etag", "homes-left-out", "link", "location", "preference-applied", "ratelimit",
    "ratelimit-policy", "retry-after", "sunset", "x-request-id",
)  # fmt: skip

# Soft deletion and history

SAFE_DELETE_FIELD_NAME = "deleted_at"
SIMPLE_HISTORY_DATE_INDEX = "composite"

# Identity: sessions and cookies are bound to one host, see shared_apps/accounts/sessions.py

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["shared_apps.namespaces.backends.MembershipBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_ENGINE = "shared_apps.accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("HTTPS", "") == "1"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if os.environ.get("BEHIND_PROXY", "") == "1":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Caches, files, language

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "KEY_FUNCTION": "smartmodels.tenancy.cache.make_key",
    },
    # Attempts to log in have a cache to themselves, so that no other entries push the counts out. In memory
    # each process counts for itself: a cache that processes share makes the limit exact.
    "guesses": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "guesses",
        "KEY_FUNCTION": "smartmodels.tenancy.cache.make_key",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # Requests are counted in a cache of their own, for the same reason and with the same limit.
    "limits": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "limits",
        "KEY_FUNCTION": "smartmodels.tenancy.cache.make_key",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
STORAGES = {
    "default": {"BACKEND": "smartmodels.tenancy.uploads.NamespaceStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = DATA / "media"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# REST: see smartmodels/rest

REST_FRAMEWORK = {
    # Closed to everybody: our views say themselves who may call them. (Naming classes of smartmodels.rest
    # here would make whoever imports rest_framework first import half of both packages in a circle.)
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "smartmodels.rest.problems.problem_handler",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": 1 if os.environ.get("BEHIND_PROXY", "") == "1" else 0,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Namespace API",
    "DESCRIPTION": "The REST API of one namespace: its resources, their history, and what is shared with it.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "OAS_VERSION": "3.1.0",
    "ENUM_NAME_OVERRIDES": {
        "NamespaceStateEnum": "smartmodels.tenancy.models.State",
        "HostStateEnum": "smartmodels.tenancy.models.HostState",
        "GrantRoleEnum": "smartmodels.sharing.GrantRole",
        "SharingEnum": "smartmodels.sharing.Sharing",
        "KeyRoleEnum": "smartmodels.tenancy.keys.KeyRole",
        "JobStateEnum": "smartmodels.jobs.JobState",
        "DeliveryStateEnum": "smartmodels.webhooks.models.DeliveryState",
        "MemberRoleEnum": "smartmodels.tenancy.models.Role",
        "GrantCauseEnum": "smartmodels.sharing.grants.GrantCause",
        "GrantHistoryEnum": "smartmodels.sharing.grants.GrantHistory",
        "GrantEndEnum": "smartmodels.sharing.grants.GrantEnd",
        # In words: the app is an extra, and not always there.
        "AuthorizationGrantEnum": ["authorization-code", "client-credentials"],
        "UndoStrategyEnum": "smartmodels.history.resolving.STRATEGIES",
        "UndoStepEnum": "smartmodels.rest.undoing.STEPS",
        "ClosingWorkEnum": "shared_apps.namespaces.models.Work",
        "AuditOutcomeEnum": "smartmodels.tenancy.audit.Outcome",
        "MigrationWayEnum": "smartmodels.tenancy.migrating.models.Way",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "null": {"class": "logging.NullHandler"},
    },
    # A host that is none is the caller's mistake: it is answered 400 and is no news to anybody here.
    "loggers": {"django.security.DisallowedHost": {"handlers": ["null"], "propagate": False}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
}

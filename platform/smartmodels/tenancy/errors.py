"""What is refused about hosts, members and states of namespaces."""

from __future__ import annotations

from smartmodels.exceptions import SmartModelsError

__all__ = [
    "HostInvalid",
    "HostMoved",
    "HostNotFound",
    "HostPrimary",
    "HostUnproved",
    "KeyNotFound",
    "KeyRefused",
    "MemberExists",
    "MemberNotFound",
    "NamespaceArchived",
    "NamespaceStateRefused",
    "NamespaceUnderMaintenance",
    "ResolverFailed",
]


class NamespaceUnderMaintenance(SmartModelsError):
    """The namespace is under maintenance: nothing is lost, come back when ``Retry-After`` says."""

    code = "namespace-maintenance"
    status = 503


class NamespaceArchived(SmartModelsError):
    """The namespace is archived: its rows are kept and served to nobody until it is unarchived."""

    code = "namespace-archived"
    status = 410


class NamespaceStateRefused(SmartModelsError):
    """This cannot be done to a namespace in the state it is in: the message says what can."""

    code = "namespace-state-refused"
    status = 409


class HostMoved(SmartModelsError):
    """The namespace was renamed: it is served on the host that ``Location`` names."""

    code = "host-moved"
    status = 308


class HostInvalid(SmartModelsError):
    """The text is no host that a namespace could have: the message says why."""

    code = "host-invalid"
    status = 400


class HostNotFound(SmartModelsError):
    """The namespace has no such host: see ``manage.py namespace domain list``."""

    code = "host-not-found"
    status = 404


class HostPrimary(SmartModelsError):
    """The namespace needs this host: make another one its primary host first."""

    code = "host-primary"
    status = 409


class HostUnproved(SmartModelsError):
    """The TXT record that proves the host to be the namespace's was not found: add it and try again."""

    code = "host-unproved"
    status = 409


class ResolverFailed(SmartModelsError):
    """The TXT records could not be looked up, so nothing is known about them: try again shortly."""

    code = "resolver-failed"
    status = 503


class KeyNotFound(SmartModelsError):
    """The namespace has no such API key: see ``manage.py namespace key list``."""

    code = "key-not-found"
    status = 404


class KeyRefused(SmartModelsError):
    """This cannot be done with API keys as they are: the message says why."""

    code = "key-refused"
    status = 409


class MemberExists(SmartModelsError):
    """The account is a member already, with another role: change the role instead."""

    code = "member-exists"
    status = 409


class MemberNotFound(SmartModelsError):
    """The account is no member of the namespace: see ``manage.py namespace member list``."""

    code = "member-not-found"
    status = 404

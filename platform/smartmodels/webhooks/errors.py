"""What is refused of webhooks."""

from __future__ import annotations

from smartmodels.exceptions import SmartModelsError

__all__ = ["AddressRefused", "TooManyWebhooks", "WebhookInactive"]


class AddressRefused(SmartModelsError):
    """The receiver's name does not lead to the public internet: nothing is sent there."""

    code = "webhook-address-refused"
    status = 400


class TooManyWebhooks(SmartModelsError):
    """The namespace has ``SMARTMODELS_WEBHOOKS_MAX`` webhooks: remove one that is not needed any more."""

    code = "too-many-webhooks"
    status = 409


class WebhookInactive(SmartModelsError):
    """The webhook is switched off: make it active, and it goes on where it stopped."""

    code = "webhook-inactive"
    status = 409

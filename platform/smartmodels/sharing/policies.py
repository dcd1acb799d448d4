"""Policies: what a namespace lets out, and what it takes in."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.db import models

from smartmodels.exceptions import InvalidInput
from smartmodels.sharing.grants import GrantRole, get_policy_model
from smartmodels.sharing.speaking import require_speaker
from smartmodels.tenancy.audit import audited

__all__ = ["AbstractSharingPolicy", "Sharing", "policy_of", "set_policy"]


class Sharing(models.TextChoices):
    """``off``: nothing; ``approve``: what those who manage the namespace consent to; ``auto``: all of it."""

    OFF = "off"
    APPROVE = "approve"
    AUTO = "auto"


class AbstractSharingPolicy(models.Model):
    """What a namespace lets out and takes in; one that has no row shares by consent and without limits.

    ``outbound`` ``approve`` lets those who manage the namespace share its rows, ``auto`` everybody who may
    change the row. ``inbound`` ``approve`` asks those who manage it about each offer, ``auto`` takes offers
    at once. Where ``partners`` (slugs) is not empty, nothing goes to or comes from anybody else.
    """

    namespace = models.OneToOneField(
        django_settings.TENANT_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="sharing_policy",
    )
    outbound = models.CharField(max_length=7, choices=Sharing.choices, default=Sharing.APPROVE)
    inbound = models.CharField(max_length=7, choices=Sharing.choices, default=Sharing.APPROVE)
    partners = models.JSONField(default=list, blank=True)
    highest_role = models.CharField(max_length=6, choices=GrantRole.choices, default=GrantRole.MANAGE)
    default_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Days until a grant expires that names no end; none: it does not."
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"out {self.outbound}, in {self.inbound}"

    def knows(self, slug: str) -> bool:
        """Tell whether the namespace deals with the one of this name."""
        return not self.partners or slug in self.partners


def policy_of(namespace: Any) -> Any:
    """Return the policy of a namespace, or the default one, which is not stored."""
    model = get_policy_model()
    return model.objects.filter(namespace_id=namespace.pk).first() or model(namespace_id=namespace.pk)


def set_policy(namespace: Any, **values: Any) -> Any:
    """Set what a namespace lets out and takes in, and note it in the audit; return the policy.

    Grants that there are stay as they are. Raises InvalidInput for values that a policy cannot have, and
    NotPermitted for who does not speak for the namespace.
    """
    require_speaker(namespace, "The sharing policy")
    with audited("sharing_policy", namespace, **values):
        policy = policy_of(namespace)
        for name, value in values.items():
            setattr(policy, name, value)
        try:
            policy.clean_fields(exclude=["namespace"])
        except ValidationError as error:
            name, said = next(iter(error.message_dict.items()))
            raise InvalidInput(f"{name}: {said[0]}", field=name) from error
        policy.save()
    return policy

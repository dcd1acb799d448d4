"""Items, their owners and their reviews: see tests/support/shop.py for the rows."""

from django.db import models

from smartmodels.models import SmartModel

__all__ = ["Item", "Owner", "Review"]


class Owner(SmartModel):
    """Somebody who owns items; ``number`` is the id in the API."""

    number = models.IntegerField(unique=True)
    name = models.CharField(max_length=100, null=True)  # noqa: DJ001 - null and "" differ
    email = models.CharField(max_length=100, null=True)  # noqa: DJ001 - null and "" differ
    age = models.IntegerField(null=True)
    vip = models.BooleanField(null=True)
    secret = models.CharField(max_length=100, default="owner's secret")

    def __str__(self) -> str:
        return f"{self.number}"


class Item(SmartModel):
    """Something to buy."""

    number = models.IntegerField(unique=True)
    sku = models.CharField(max_length=20)
    name = models.CharField(max_length=100, null=True)  # noqa: DJ001 - null and "" differ
    category = models.CharField(max_length=20, null=True)  # noqa: DJ001 - null and "" differ
    qty = models.IntegerField(null=True)
    price = models.FloatField(null=True)
    active = models.BooleanField(null=True)
    born = models.DateTimeField(null=True)
    rating = models.IntegerField()
    note = models.TextField(null=True)  # noqa: DJ001 - null and "" differ
    secret = models.CharField(max_length=100, default="item's secret")
    holder = models.ForeignKey(Owner, on_delete=models.SET_NULL, null=True, related_name="items")

    def __str__(self) -> str:
        return self.sku


class Review(SmartModel):
    """What somebody says of an item."""

    number = models.IntegerField(unique=True)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="reviews")
    stars = models.IntegerField()
    body = models.TextField(null=True)  # noqa: DJ001 - null and "" differ
    secret = models.CharField(max_length=100, default="review's secret")

    def __str__(self) -> str:
        return f"{self.stars}"

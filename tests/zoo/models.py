"""Models that have what the demo's models do not: links, protected and cut relations, exact values."""

from datetime import timedelta
from typing import ClassVar

from django.db import models

from smartmodels.models import Resource, SmartModel, UniqueAlive
from tests.zoo.peers import (
    PlainObservation,
    PlainSpecimen,
    PlainStudy,
    StockAnimal,
    StockEnclosure,
    StockKeeper,
    StockObservation,
    StockSpecimen,
    StockStudy,
    StockTag,
    TrackedSpecimen,
    TrackedStudy,
)

__all__ = [
    "Animal",
    "Enclosure",
    "Feed",
    "Feeding",
    "Keeper",
    "OldAnimal",
    "Permit",
    "PlainObservation",
    "PlainSpecimen",
    "PlainStudy",
    "Sighting",
    "StockAnimal",
    "StockEnclosure",
    "StockKeeper",
    "StockObservation",
    "StockSpecimen",
    "StockStudy",
    "StockTag",
    "Tag",
    "TrackedSpecimen",
    "TrackedStudy",
]


class Keeper(SmartModel):
    """Somebody who looks after enclosures; two living ones never share an address."""

    name = models.CharField(max_length=100)
    email = models.EmailField(blank=True, default="")
    pin = models.CharField(max_length=20, blank=True, default="")

    class Smart:
        unique_alive: ClassVar = [UniqueAlive(("email",), where=~models.Q(email=""))]
        history_exclude: ClassVar = ["pin"]
        personal: ClassVar = ["name", "email"]

    def __str__(self) -> str:
        return self.name


class Tag(SmartModel):
    """A word that animals are found by."""

    label = models.CharField(max_length=50)

    class Smart:
        unique_alive: ClassVar = ["label"]

    def __str__(self) -> str:
        return self.label


class Enclosure(Resource):
    """A place for animals, perhaps within another; it goes on without its keeper."""

    name = models.CharField(max_length=100)
    keeper = models.ForeignKey(
        Keeper, on_delete=models.SET_NULL, null=True, blank=True, related_name="enclosures"
    )
    within = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="parts")

    def __str__(self) -> str:
        return self.name


class Animal(Resource):
    """An animal, with a value of every kind that must survive a revert exactly."""

    name = models.CharField(max_length=100)
    enclosure = models.ForeignKey(Enclosure, on_delete=models.CASCADE, related_name="animals")
    keeper = models.ForeignKey(
        Keeper, on_delete=models.SET_NULL, null=True, blank=True, related_name="animals"
    )
    mate = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="mates")
    tags = models.ManyToManyField(Tag, blank=True, related_name="animals")
    untracked = models.ManyToManyField(Tag, blank=True, related_name="+")
    weight = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    payload = models.JSONField(null=True, blank=True)
    photo = models.FileField(upload_to="animals", blank=True)
    chip = models.UUIDField(null=True, blank=True)
    ratio = models.FloatField(null=True, blank=True)

    class Smart:
        history_m2m: ClassVar = ["tags"]
        unique_alive: ClassVar = [UniqueAlive(("chip",), message="Another animal has this chip.")]
        retention = timedelta(days=30)

    def __str__(self) -> str:
        return self.name


class OldAnimal(Animal):
    """A proxy: it shares table and history with Animal."""

    class Meta:
        proxy = True


class Feed(SmartModel):
    """What animals eat; it cannot go while a feeding used it."""

    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class Feeding(SmartModel):
    """A meal: goes with the animal, protects the feed."""

    animal = models.ForeignKey(Animal, on_delete=models.CASCADE, related_name="feedings")
    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="feedings")
    grams = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.grams} g"


class Permit(SmartModel):
    """What an enclosure needs of a keeper: restricts the keeper's deletion, unless both go."""

    enclosure = models.ForeignKey(Enclosure, on_delete=models.CASCADE, related_name="permits")
    keeper = models.ForeignKey(Keeper, on_delete=models.RESTRICT, related_name="permits")
    substitute = models.ForeignKey(
        Keeper, on_delete=models.CASCADE, null=True, blank=True, related_name="substitutions"
    )

    def __str__(self) -> str:
        return f"permit of {self.enclosure_id}"


class Sighting(SmartModel):
    """Something said about an animal that is none of the animal's business (DO_NOTHING)."""

    animal = models.ForeignKey(
        Animal, on_delete=models.DO_NOTHING, db_constraint=False, related_name="sightings"
    )
    text = models.TextField(blank=True, default="")

    class Smart:
        shareable = False

    def __str__(self) -> str:
        return self.text

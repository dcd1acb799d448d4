"""Field research: studies, the specimens they observe, and what was measured."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models

from smartmodels.models import Resource, UniqueAlive

__all__ = ["Observation", "Specimen", "Study"]


class Study(Resource):
    """A season of field work at one place, such as PAL0708 on Biscoe."""

    code = models.CharField(max_length=20, help_text="The name the study is cited by, such as PAL0708.")
    title = models.CharField(max_length=200, blank=True, default="")
    region = models.CharField(max_length=100, blank=True, default="")
    island = models.CharField(max_length=100, blank=True, default="")
    notes = models.TextField(blank=True, default="")

    class Meta(Resource.Meta):
        verbose_name_plural = "studies"

    class Smart:
        label = "code"
        unique_alive: ClassVar = [
            UniqueAlive(("code", "island"), message="Another study on this island has this code.")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.island}".strip()


class Specimen(Resource):
    """One animal in one study."""

    class Sex(models.TextChoices):
        MALE = "male"
        FEMALE = "female"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="specimens")
    number = models.PositiveIntegerField(help_text="Sample number within the study and species.")
    individual = models.CharField(max_length=20, help_text="The animal's ring or nest mark.")
    species = models.CharField(max_length=100)
    stage = models.CharField(max_length=100, blank=True, default="")
    sex = models.CharField(max_length=6, choices=Sex.choices, blank=True, default="")
    clutch_complete = models.BooleanField(null=True, blank=True)
    egg_date = models.DateField(null=True, blank=True)

    class Smart:
        label = "individual"
        unique_alive: ClassVar = [
            UniqueAlive(
                ("study", "species", "number"),
                message="Another specimen of this species in this study has this number.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.individual} ({self.species})"


class Observation(Resource):
    """What was measured on a specimen; a value that could not be taken is null."""

    specimen = models.ForeignKey(Specimen, on_delete=models.CASCADE, related_name="observations")
    observed_on = models.DateField(null=True, blank=True)
    culmen_length_mm = models.DecimalField(
        max_digits=5, decimal_places=1, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    culmen_depth_mm = models.DecimalField(
        max_digits=5, decimal_places=1, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    flipper_length_mm = models.PositiveSmallIntegerField(null=True, blank=True)
    body_mass_g = models.PositiveIntegerField(null=True, blank=True)
    delta_15_n = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True)
    delta_13_c = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True)
    comments = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        mass = "not weighed" if self.body_mass_g is None else f"{self.body_mass_g} g"
        return f"{self.observed_on or 'undated'}: {mass}"

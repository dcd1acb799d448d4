"""The same rows without smart models, for benchmarks: plain Django, and django-safedelete as it comes."""

from typing import ClassVar

from django.db import models
from safedelete.config import SOFT_DELETE_CASCADE
from safedelete.models import SafeDeleteModel
from simple_history.models import HistoricalRecords

from smartmodels.tenancy.models import new_key


class PlainStudy(models.Model):
    """What a study is without us."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    code = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.code


class PlainSpecimen(models.Model):
    """What a specimen is without us."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    study = models.ForeignKey(PlainStudy, on_delete=models.CASCADE)
    number = models.PositiveIntegerField()

    def __str__(self) -> str:
        return str(self.number)


class PlainObservation(models.Model):
    """What an observation is without us: the same columns of its own."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    specimen = models.ForeignKey(PlainSpecimen, on_delete=models.CASCADE)
    observed_on = models.DateField(null=True, blank=True)
    culmen_length_mm = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    culmen_depth_mm = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    flipper_length_mm = models.PositiveSmallIntegerField(null=True, blank=True)
    body_mass_g = models.PositiveIntegerField(null=True, blank=True)
    delta_15_n = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True)
    delta_13_c = models.DecimalField(max_digits=8, decimal_places=5, null=True, blank=True)
    comments = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return str(self.pk)


class StockStudy(SafeDeleteModel):
    """A study whose deletion django-safedelete cascades."""

    _safedelete_policy = SOFT_DELETE_CASCADE

    code = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.code


class StockSpecimen(SafeDeleteModel):
    """A specimen whose deletion django-safedelete cascades."""

    _safedelete_policy = SOFT_DELETE_CASCADE

    study = models.ForeignKey(StockStudy, on_delete=models.CASCADE)
    number = models.PositiveIntegerField()

    def __str__(self) -> str:
        return str(self.number)


class StockObservation(SafeDeleteModel):
    """An observation whose deletion django-safedelete cascades."""

    _safedelete_policy = SOFT_DELETE_CASCADE

    specimen = models.ForeignKey(StockSpecimen, on_delete=models.CASCADE)
    body_mass_g = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return str(self.pk)


class StockTag(SafeDeleteModel):
    """A word, with the two packages as they come."""

    label = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.label


class StockKeeper(SafeDeleteModel):
    """Somebody an animal can do without."""

    _safedelete_policy = SOFT_DELETE_CASCADE

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class StockEnclosure(SafeDeleteModel):
    """What an animal goes with."""

    _safedelete_policy = SOFT_DELETE_CASCADE

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class StockAnimal(SafeDeleteModel):
    """A row that both packages look after: its history is what the explanation of history compares."""

    _safedelete_policy = SOFT_DELETE_CASCADE

    name = models.CharField(max_length=100)
    weight = models.IntegerField(default=0)
    enclosure = models.ForeignKey(StockEnclosure, on_delete=models.CASCADE)
    keeper = models.ForeignKey(StockKeeper, on_delete=models.SET_NULL, null=True)
    tags = models.ManyToManyField(StockTag)

    history = HistoricalRecords(m2m_fields=[tags], user_db_constraint=False)

    def __str__(self) -> str:
        return self.name


class TrackedStudy(models.Model):
    """A study whose history django-simple-history keeps."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    code = models.CharField(max_length=20)

    history = HistoricalRecords(user_db_constraint=False)

    def __str__(self) -> str:
        return self.code


class TrackedSpecimen(models.Model):
    """A specimen as Django REST framework and django-simple-history know it: the same columns of its own."""

    id = models.UUIDField(primary_key=True, default=new_key, editable=False)
    study = models.ForeignKey(TrackedStudy, on_delete=models.CASCADE)
    number = models.PositiveIntegerField()
    individual = models.CharField(max_length=20)
    species = models.CharField(max_length=100)
    stage = models.CharField(max_length=100, blank=True, default="")
    sex = models.CharField(max_length=6, blank=True, default="")
    clutch_complete = models.BooleanField(null=True, blank=True)
    egg_date = models.DateField(null=True, blank=True)

    history = HistoricalRecords(user_db_constraint=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "species", "number"], name="zoo_tracked_specimen")
        ]

    def __str__(self) -> str:
        return self.individual

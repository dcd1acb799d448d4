"""Frames from querysets and managers: the values of the ORM, the methods of django-pandas."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, JSONField, Max, Sum, Value
from django.db.models.functions import Cast, JSONObject, TruncMonth
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared_apps.accounts.models import User
from shared_apps.namespaces.models import Namespace
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import NamespaceMismatch, NamespaceNotBound, ReportUnavailable
from tenant_apps.research.models import Observation, Specimen, Study
from tests.support.many import seed


@pytest.fixture
def rows_of_alpha(alpha: Namespace, in_alpha: Namespace, ana: User, bea: User) -> None:
    """Random rows in alpha, which is bound."""
    seed([alpha], [ana, bea])


@pytest.fixture
def both(alpha: Namespace, beta: Namespace, ana: User, bea: User) -> list[Namespace]:
    """Alpha and beta, with rows of their own under the same keys."""
    seed([alpha, beta], [ana, bea])
    return [alpha, beta]


def plain(frame: Any) -> list[tuple[Any, ...]]:
    """The rows of a frame with None for what is missing."""
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


# Values


def test_frame__every_column__has_the_values_of_the_orm(rows_of_alpha: None) -> None:
    """Keys, texts, numbers, days and times come as ``values_list`` gives them."""
    names = [field.name for field in Observation._meta.concrete_fields]
    frame = Observation.objects.order_by("pk").to_dataframe(verbose=False)
    assert list(frame.columns) == names
    assert plain(frame) == list(Observation.objects.order_by("pk").values_list(*names))


def test_frame__types__survive_missing_values(rows_of_alpha: None) -> None:
    """Integers and booleans with gaps do not become floats and objects; times have their zone."""
    observations = Observation.objects.to_dataframe(["body_mass_g", "created_at"])
    specimens = Specimen.objects.to_dataframe(["clutch_complete"])
    assert str(observations["body_mass_g"].dtype) == "Int64"
    assert str(observations["created_at"].dtype) == "datetime64[us, UTC]"
    assert str(specimens["clutch_complete"].dtype) == "boolean"


def test_frame__decimals__are_exact(in_alpha: Namespace, rows_of_alpha: None) -> None:
    """39.1 is 39.1; floats come on demand."""
    Observation.objects.filter(culmen_length_mm__isnull=False).update(culmen_length_mm=Decimal("39.1"))
    exact = Observation.objects.to_dataframe(["culmen_length_mm"])["culmen_length_mm"].dropna()
    floats = Observation.objects.to_dataframe(["culmen_length_mm"], coerce_float=True)
    assert set(exact) == {Decimal("39.1")}
    assert str(floats["culmen_length_mm"].dtype) == "float64"


def test_frame__one_column_of_missing_values__keeps_its_rows(rows_of_alpha: None) -> None:
    """A row whose only value is missing is an empty line for COPY, but still a row."""
    Observation.objects.update(body_mass_g=None)
    frame = Observation.objects.to_dataframe(["body_mass_g"])
    assert len(frame) == Observation.objects.count()
    assert frame["body_mass_g"].isna().all()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=12), min_size=1)
)
def test_frame__any_text__comes_back_as_it_is(in_alpha: Namespace, texts: list[str]) -> None:
    """Quotes, commas, line breaks, backslashes and the empty text survive COPY."""
    with transaction.atomic():
        Study.objects.bulk_create([Study(code=f"T{number}", notes=text) for number, text in enumerate(texts)])
        frame = Study.objects.filter(code__startswith="T").to_dataframe(["code", "notes"])
        transaction.set_rollback(True)
    assert dict(plain(frame)) == {f"T{number}": text for number, text in enumerate(texts)}


def test_frame__text_longer_than_a_block__comes_back(in_alpha: Namespace) -> None:
    """Arrow reads in blocks of a megabyte; values may be longer."""
    text = "line\n" * 600_000
    Study.objects.create(code="long", notes=text)
    assert Study.objects.to_dataframe(["notes"])["notes"].tolist() == [text]


def test_frame__value_arrow_does_not_know__comes_from_psycopg(
    in_alpha: Namespace, rows_of_alpha: None
) -> None:
    """PostgreSQL's numeric knows NaN; one such value spoils no column."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE research_observation SET culmen_length_mm = 'NaN' WHERE body_mass_g IS NULL")
    found = Observation.objects.order_by("pk").to_dataframe(["culmen_length_mm", "body_mass_g"])
    nan = [value for value in found["culmen_length_mm"] if isinstance(value, Decimal) and value.is_nan()]
    assert nan
    assert str(found["body_mass_g"].dtype) == "Int64"


def test_frame__expressions__have_the_values_of_the_orm(rows_of_alpha: None) -> None:
    """JSON, durations, truncated days and casts are converted as the ORM does it."""
    rows = Observation.objects.order_by("pk").annotate(
        json=JSONObject(mass="body_mass_g", text=Value('a"b')),
        list=Cast(Value("[1, null]"), JSONField()),
        age=ExpressionWrapper(F("updated_at") - F("created_at"), DurationField()),
        month=TruncMonth("observed_on"),
        double=F("body_mass_g") * 2,
        exact=F("culmen_length_mm") * Value(Decimal("1.10")),
    )
    names = ["json", "list", "age", "month", "double", "exact"]
    assert plain(rows.to_dataframe(names)) == list(rows.values_list(*names))


def test_frame__aggregates__have_the_values_of_the_orm(rows_of_alpha: None) -> None:
    """A grouped ``values()`` queryset keeps its groups and its types."""
    rows = Observation.objects.values("specimen__species").order_by("specimen__species")
    rows = rows.annotate(
        n=Count("*"), mean=Avg("body_mass_g"), total=Sum("body_mass_g"), widest=Max("culmen_length_mm")
    )
    frame = rows.to_dataframe()
    assert plain(frame) == list(rows.values_list(*frame.columns))
    assert [str(frame[name].dtype) for name in ("n", "mean", "total")] == ["Int64", "float64", "Int64"]


def test_frame__ordered_by_something_else__has_no_surplus_columns(rows_of_alpha: None) -> None:
    """What DISTINCT adds for the sake of ordering is not shown."""
    rows = Specimen.objects.order_by("species", "study__code").values("sex").distinct()
    frame = rows.to_dataframe(verbose=False)
    assert list(frame.columns) == ["sex"]
    assert plain(frame) == list(rows.values_list("sex"))


def test_frame__no_rows__has_columns(in_alpha: Namespace) -> None:
    """Nothing found is a frame without rows, also where Django would not even ask."""
    assert list(Study.objects.filter(code__in=[]).to_dataframe(["code", "island"]).columns) == [
        "code",
        "island",
    ]
    assert len(Study.objects.none().to_dataframe()) == 0


def test_frame__joined_columns_of_one_name__keep_apart(rows_of_alpha: None) -> None:
    """Both keys are called ``id`` in the database."""
    frame = Specimen.objects.order_by("pk").to_dataframe(["id", "study__id"])
    assert plain(frame) == list(Specimen.objects.order_by("pk").values_list("id", "study__id"))


def test_frame__sees_the_open_transaction(in_alpha: Namespace) -> None:
    """COPY runs on Django's own connection."""
    Study.objects.create(code="new")
    assert "new" in set(Study.objects.to_dataframe(["code"])["code"])


def test_frame__leaves_the_transactions_settings_alone(in_alpha: Namespace) -> None:
    """What is set for the statement ends with it."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        before = cursor.fetchone()
        Study.objects.to_dataframe()
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == before


# django-pandas' arguments


def test_frame__index__is_set_and_added(rows_of_alpha: None) -> None:
    """The index need not be among the fields."""
    frame = Study.objects.to_dataframe(["island"], index="code")
    assert frame.index.name == "code"
    assert list(frame.columns) == ["island"]


def test_frame__datetime_index__is_one(rows_of_alpha: None) -> None:
    """Days become an index of time."""
    frame = Observation.objects.to_dataframe(["body_mass_g"], index="observed_on", datetime_index=True)
    assert isinstance(frame.index, pd.DatetimeIndex)


def test_pivot__is_that_of_pandas(rows_of_alpha: None) -> None:
    """``to_pivot_table`` takes django-pandas' arguments."""
    pivot = Observation.objects.filter(body_mass_g__isnull=False).to_pivot_table(
        ["specimen__species", "specimen__sex", "body_mass_g"],
        values="body_mass_g", rows=["specimen__species"], cols=["specimen__sex"], aggfunc="count",
    )  # fmt: skip
    counted = Observation.objects.filter(body_mass_g__isnull=False).values_list(
        "specimen__species", "specimen__sex"
    )
    found = counted.annotate(n=Count("*"))
    labels = dict(Specimen.Sex.choices) | {"": ""}
    assert all(pivot.loc[species, labels[sex]] == n for species, sex, n in found)


def test_timeseries__is_that_of_pandas(rows_of_alpha: None) -> None:
    """``to_timeseries`` resamples."""
    series = Observation.objects.to_timeseries(
        ["body_mass_g"], index="observed_on", freq="D", agg_args=["count"]
    )
    assert series["body_mass_g"].sum() == Observation.objects.filter(body_mass_g__isnull=False).count()


def test_frame__choices__are_shown_as_people_read_them(rows_of_alpha: None) -> None:
    """``verbose`` is django-pandas' default; without it values are raw."""
    assert set(Specimen.objects.to_dataframe(["sex"])["sex"]) <= {"Male", "Female", ""}
    assert set(Specimen.objects.to_dataframe(["sex"], verbose=False)["sex"]) <= {"male", "female", ""}


def test_frame__foreign_keys__are_shown_as_people_read_them(rows_of_alpha: None) -> None:
    """A key becomes the text of the row it points at; ``study_id`` asks for the key itself."""
    frame = Specimen.objects.order_by("pk").to_dataframe(["study", "study_id", "owner"])
    assert plain(frame) == [
        (str(one.study), one.study_id, str(one.owner))
        for one in Specimen.objects.order_by("pk").select_related("study", "owner")
    ]


# Namespaces


def test_labels__same_key_in_two_namespaces__are_each_ones_own(both: list[Namespace], ana: User) -> None:
    """django-pandas would show the names of whichever namespace was read first."""
    frames = []
    for namespace in both:
        with namespace_scope(namespace), operation(actor=Actor.user(ana)):
            Study.objects.update(title="", island=f"only in {namespace.slug}")
            frames.append(Specimen.objects.to_dataframe(["study"])["study"])
    assert frames[0].str.contains("only in alpha").all()
    assert frames[1].str.contains("only in beta").all()


def test_labels__are_kept_in_no_cache(both: list[Namespace]) -> None:
    """Nothing of a row outlives the call."""
    with namespace_scope(both[0]):
        Specimen.objects.to_dataframe(["study"])
    assert not getattr(cache, "_cache", None)


def test_labels__read_across__are_each_homes_own(both: list[Namespace], ana: User) -> None:
    """A frame over many namespaces looks labels up in the home of each row."""
    for namespace in both:
        with namespace_scope(namespace), operation(actor=Actor.user(ana)):
            Study.objects.update(island=f"only in {namespace.slug}")
    frame = Specimen.objects.across(both).to_dataframe(["study", "home"])
    assert len(frame) > 0
    assert all(f"only in {home}" in study for study, home in plain(frame))


def test_frame__across__knows_homes(both: list[Namespace]) -> None:
    """The home is a column unless only others are asked for."""
    assert set(Study.objects.across(both).to_dataframe()["home"]) == {"alpha", "beta"}
    assert list(Study.objects.across(both).to_dataframe(["code"]).columns) == ["code"]


def test_frame__of_another_namespace__is_refused(both: list[Namespace]) -> None:
    """A queryset of one namespace makes no frame in another, nor outside."""
    with namespace_scope(both[0]):
        rows = Study.objects.all()
    with namespace_scope(both[1]), pytest.raises(NamespaceMismatch):
        rows.to_dataframe()
    with pytest.raises(NamespaceNotBound):
        Study.objects.to_dataframe()


def test_frame__packages_missing__says_what_to_install(in_alpha: Namespace) -> None:
    """Without pandas the rest of the platform works, and frames say what they need."""
    missing = override_settings(SMARTMODELS_FRAMES="no_such_package.Frames")
    with missing, pytest.raises(ReportUnavailable, match="pip install"):
        Study.objects.to_dataframe()


def test_frame__history__can_be_one_as_well(rows_of_alpha: None) -> None:
    """History is a queryset like any other."""
    frame = Study.history.to_dataframe(["code", "history_type"])
    assert set(frame["history_type"]) >= {"Created"}


def test_frame__dates_and_times__have_microseconds(in_alpha: Namespace) -> None:
    """Nothing is rounded."""
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    study = Study.objects.create(code="x")
    Study.objects.filter(pk=study.pk).update(created_at=moment)
    Observation.objects.create(
        specimen=Specimen.objects.create(
            study=study, number=1, individual="a", species="b", egg_date=date(1, 1, 1)
        )
    )
    assert Study.objects.to_dataframe(["created_at"])["created_at"].tolist() == [pd.Timestamp(moment)]
    assert Specimen.objects.to_dataframe(["egg_date"])["egg_date"].tolist() == [date(1, 1, 1)]

"""Private mode: every row is visible to its owner alone, whatever reads it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Max
from django.test.utils import CaptureQueriesContext

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ActorRequired, RowNotFound, ShareRefused
from smartmodels.history import history_model, plan_revert, timeline
from smartmodels.models import SmartModel
from smartmodels.sharing import active_grants, share
from tenant_apps.research.models import Specimen, Study
from tests.zoo.models import Animal, Enclosure


@pytest.fixture
def private(settings: Any) -> None:
    """Rows belong to people."""
    settings.SMARTMODELS_OWNER_MODEL = settings.AUTH_USER_MODEL


@pytest.fixture
def acting(private: None, alpha: Any) -> Callable[..., AbstractContextManager[Any]]:
    """Let somebody act: a person, or any other actor."""

    def act(who: Any) -> AbstractContextManager[Any]:
        actor = who if isinstance(who, Actor) else Actor.user(who)
        return operation(actor=actor, nested=False)

    return act


@pytest.fixture
def rows_of(acting: Any, alpha: Any, ana: Any, ben: Any) -> dict[str, Study]:
    """One study of ana's and one of ben's, in alpha."""
    found = {}
    for person in (ana, ben):
        with namespace_scope(alpha), acting(person):
            name = person.email.partition("@")[0]
            found[name] = Study.objects.create(code=f"OF-{name.upper()}", island="Dream")
    return found


def codes(rows: Any) -> list[str]:
    return sorted(rows.values_list("code", flat=True))


@pytest.fixture
def in_private(rows_of: dict[str, Study], alpha: Any) -> Any:
    """Alpha is bound, and holds a study of ana's and one of ben's."""
    with namespace_scope(alpha):
        yield alpha


# Who sees what


def test_objects__of_a_user__are_their_own(in_private: Any, acting: Any, ana: Any) -> None:
    """Ben's is not there."""
    with acting(ana):
        assert codes(Study.objects.all()) == ["OF-ANA"]


def test_count__of_a_user__is_of_their_own(in_private: Any, acting: Any, ben: Any) -> None:
    """An aggregate tells no more than a list."""
    with acting(ben):
        assert (Study.objects.count(), Study.objects.aggregate(last=Max("code"))["last"]) == (1, "OF-BEN")


def test_get__of_anothers_row__finds_nothing(in_private: Any, acting: Any, ben: Any, rows_of: Any) -> None:
    """By its key neither."""
    with acting(ben), pytest.raises(Study.DoesNotExist):
        Study.objects.get(pk=rows_of["ana"].pk)


def test_rows__while_nobody_acts__are_refused(in_private: Any) -> None:
    """Rather than shown."""
    with pytest.raises(ActorRequired, match="private"):
        Study.objects.count()


@pytest.mark.parametrize("actor", [Actor.system(), Actor.command("report"), Actor.job("nightly")])
def test_rows__for_the_system__are_all(in_private: Any, acting: Any, actor: Actor) -> None:
    """What runs the platform works on everybody's."""
    with acting(actor):
        assert codes(Study.objects.all()) == ["OF-ANA", "OF-BEN"]


def test_rows__for_a_key_of_a_user__are_the_users(in_private: Any, acting: Any, ana: Any) -> None:
    """A program sees what its user sees."""
    with acting(Actor.api_key("sync", ana.pk)):
        assert codes(Study.objects.all()) == ["OF-ANA"]


@pytest.mark.parametrize("actor", [Actor.api_key("sync"), Actor.oauth_application("app"), Actor.anonymous()])
def test_rows__for_an_actor_without_an_account__are_none(in_private: Any, acting: Any, actor: Actor) -> None:
    """Nothing can be theirs."""
    with acting(actor):
        assert (codes(Study.objects.all()), Study.objects.count()) == ([], 0)


def test_rows__for_a_job_on_behalf_of_a_user__are_the_users(in_private: Any, ana: Any) -> None:
    """The job sees no more than whom it works for."""
    with operation(actor=Actor.job("export"), on_behalf_of=Actor.user(ana)):
        assert codes(Study.objects.all()) == ["OF-ANA"]


def test_rows__for_staff__are_their_own(in_private: Any, acting: Any, staff: Any) -> None:
    """Unless the project says otherwise."""
    with acting(staff):
        assert codes(Study.objects.all()) == []


def test_rows__for_staff_where_it_is_allowed__are_all(
    in_private: Any, acting: Any, staff: Any, settings: Any
) -> None:
    """By SMARTMODELS_PRIVATE_STAFF."""
    settings.SMARTMODELS_PRIVATE_STAFF = True
    with acting(staff):
        assert codes(Study.objects.all()) == ["OF-ANA", "OF-BEN"]


def test_rows__for_staff_who_impersonate__are_those_of_the_other(
    in_private: Any, staff: Any, ana: Any, settings: Any
) -> None:
    """Who works in somebody's place sees what they see."""
    settings.SMARTMODELS_PRIVATE_STAFF = True
    with operation(actor=Actor.impersonator(staff), on_behalf_of=Actor.user(ana)):
        assert codes(Study.objects.all()) == ["OF-ANA"]


def test_rows__in_shared_mode__are_everybodys(in_private: Any, acting: Any, ana: Any, settings: Any) -> None:
    """The default."""
    settings.SMARTMODELS_OWNER_MODEL = None
    with acting(ana):
        assert codes(Study.objects.all()) == ["OF-ANA", "OF-BEN"]


def test_all_objects__for_a_user__are_everybodys(in_private: Any, acting: Any, ana: Any) -> None:
    """Services decide for themselves what to show."""
    with acting(ana):
        assert codes(Study.all_objects.all()) == ["OF-ANA", "OF-BEN"]


# When the condition is made


def test_queryset__made_while_another_acted__shows_the_actor_of_the_moment(
    in_private: Any, acting: Any, ana: Any, ben: Any
) -> None:
    """Nothing of who made it is kept in it."""
    with acting(ana):
        rows = Study.objects.all()
        first = codes(rows)
    with acting(ben):
        second = codes(rows)
    assert (first, second) == (["OF-ANA"], ["OF-BEN"])


def test_queryset__made_while_nobody_acted__shows_the_actor_of_the_moment(
    private: None, in_private: Any, acting: Any, ben: Any
) -> None:
    """One made at import is safe to keep on a class."""
    rows = Study.objects.order_by("code")
    with acting(ben):
        assert [row.code for row in rows] == ["OF-BEN"]


def test_queryset__evaluated_twice_without_a_clone__asks_anew(
    in_private: Any, acting: Any, ana: Any, ben: Any
) -> None:
    """The compiled condition is not kept either."""
    rows = Study.objects.all()
    found = []
    for person in (ana, ben):
        with acting(person):
            found.append([row.code for row in rows.iterator()])
    assert found == [["OF-ANA"], ["OF-BEN"]]


# Every way to read


def ways() -> dict[str, Callable[[], Any]]:
    """Ways to ask for codes of studies."""
    return {
        "filter": lambda: Study.objects.filter(island="Dream"),
        "exclude": lambda: Study.objects.exclude(island="Biscoe"),
        "slice": lambda: Study.objects.order_by("code")[:10],
        "union": lambda: Study.objects.filter(code="OF-ANA").union(Study.objects.filter(code="OF-BEN")),
        "or": lambda: Study.objects.filter(code="OF-ANA") | Study.objects.filter(code="OF-BEN"),
        "and": lambda: Study.objects.filter(island="Dream") & Study.objects.all(),
        "in": lambda: Study.all_objects.filter(pk__in=Study.objects.values("pk")),
        "distinct": Study.objects.distinct,
        "annotate": lambda: Study.objects.annotate(n=Count("specimens")).filter(n=0),
        "in_bulk": lambda: Study.objects.filter(pk__in=Study.objects.in_bulk()),
    }


@pytest.mark.parametrize("way", ways())
def test_every_way_to_read__shows_own_rows_alone(in_private: Any, acting: Any, ana: Any, way: str) -> None:
    """No combination of querysets loses the condition."""
    with acting(ana):
        assert [row.code for row in ways()[way]()] == ["OF-ANA"]


def test_related_manager__shows_own_rows_alone(
    in_private: Any, acting: Any, ana: Any, ben: Any, rows_of: Any
) -> None:
    """Ben's specimen of ana's study is ben's."""
    values = {"individual": "N1A1", "species": "Adelie"}
    with acting(ben):
        Specimen.objects.create(study_id=rows_of["ana"].pk, number=1, **values)
    with acting(ana):
        Specimen.objects.create(study_id=rows_of["ana"].pk, number=2, **values)
        assert list(rows_of["ana"].specimens.values_list("number", flat=True)) == [2]


def test_prefetched_rows__are_own_ones(
    in_private: Any, acting: Any, ana: Any, ben: Any, rows_of: Any
) -> None:
    """Like those of a related manager."""
    with acting(ben):
        Specimen.objects.create(study_id=rows_of["ana"].pk, number=1, individual="N", species="Adelie")
    with acting(ana):
        [study] = Study.objects.prefetch_related("specimens")
        assert list(study.specimens.all()) == []


def test_across__shows_own_rows_alone(in_private: Any, acting: Any, beta: Any, ben: Any, alpha: Any) -> None:
    """In every namespace that is read."""
    with namespace_scope(beta), acting(ben):
        Study.objects.create(code="IN-BETA", island="Dream")
    with acting(ben):
        assert codes(Study.objects.across([alpha, beta])) == ["IN-BETA", "OF-BEN"]


def test_frame__shows_own_rows_alone(in_private: Any, acting: Any, ana: Any) -> None:
    """A DataFrame is a list like any other."""
    with acting(ana):
        assert list(Study.objects.to_dataframe(["code"])["code"]) == ["OF-ANA"]


def test_links__show_own_rows_alone(in_private: Any, acting: Any, ana: Any, ben: Any) -> None:
    """A many-to-many manager, too."""
    with acting(ana):
        enclosure = Enclosure.objects.create(name="pool")
        animal = Animal.objects.create(name="Pingu", enclosure=enclosure)
        animal.tags.create(label="ana's")
    with acting(ben):
        tag = type(animal).tags.rel.model.objects.create(label="ben's")
    with acting(ana):
        animal.tags.add(tag.pk)
        assert list(animal.tags.values_list("label", flat=True)) == ["ana's"]


@pytest.fixture
def foreign_specimen(in_private: Any, acting: Any, ben: Any, rows_of: Any) -> Specimen:
    """Ben's specimen of ana's study."""
    with acting(ben):
        return Specimen.objects.create(study_id=rows_of["ana"].pk, number=1, individual="N", species="Adelie")


def joins() -> dict[str, Any]:
    """Ways to look from studies at their specimens; each says nothing of ben's."""
    return {
        "count": lambda: Study.objects.annotate(n=Count("specimens")).values_list("n", flat=True)[0],
        "filter": lambda: Study.objects.filter(specimens__number=1).count(),
        "filtered by null": lambda: Study.objects.filter(specimens__isnull=False).count(),
        "exclude": lambda: 1 - Study.objects.exclude(specimens__number=1).count(),
        "maximum": lambda: Study.objects.aggregate(n=Max("specimens__number"))["n"] or 0,
    }


@pytest.mark.parametrize("join", joins())
def test_every_join__to_rows_of_others__meets_none(
    foreign_specimen: Any, acting: Any, ana: Any, join: str
) -> None:
    """No guess at a value of theirs is answered."""
    with acting(ana):
        assert joins()[join]() == 0


@pytest.mark.parametrize("join", joins())
def test_every_join__of_the_system__meets_all(foreign_specimen: Any, acting: Any, join: str) -> None:
    """The same questions do find the row."""
    with acting(Actor.system()):
        Study.objects.filter(code="OF-BEN").delete()
        assert joins()[join]() == 1


def test_objects__where_deleted_rows_are_shown__hold_own_deleted_ones(
    in_private: Any, acting: Any, ana: Any, rows_of: Any, settings: Any
) -> None:
    """By SMARTMODELS_HIDE_DELETED."""
    settings.SMARTMODELS_HIDE_DELETED = False
    with acting(ana):
        rows_of["ana"].delete()
        assert codes(Study.objects.all()) == ["OF-ANA"]


# Writing


def test_update__changes_own_rows_alone(in_private: Any, acting: Any, ana: Any) -> None:
    """The condition is part of the UPDATE."""
    with acting(ana):
        assert Study.objects.update(region="Anvers") == 1


def test_delete__deletes_own_rows_alone(in_private: Any, acting: Any, ana: Any) -> None:
    """Of a whole queryset."""
    with acting(ana):
        total, _ = Study.objects.all().delete()
        assert total == 1


def test_bulk_update__of_anothers_row__changes_nothing(
    in_private: Any, acting: Any, ben: Any, rows_of: Any
) -> None:
    """Even with the row in hand."""
    rows_of["ana"].region = "Mine now"
    with acting(ben):
        assert Study.objects.bulk_update([rows_of["ana"]], ["region"]) == 0


def test_deleted_rows__are_shown_to_who_owned_them(
    in_private: Any, acting: Any, ana: Any, ben: Any, rows_of: Any
) -> None:
    """They belong to the sentinel meanwhile."""
    with acting(ana):
        rows_of["ana"].delete()
        own = codes(Study.deleted_objects.all())
    with acting(ben):
        assert (own, codes(Study.deleted_objects.all())) == (["OF-ANA"], [])


def test_undelete__restores_own_rows_alone(
    in_private: Any, acting: Any, ana: Any, ben: Any, rows_of: Any
) -> None:
    """Ben cannot bring back what ana deleted."""
    with acting(ana):
        rows_of["ana"].delete()
    with acting(ben):
        assert Study.deleted_objects.all().undelete()[0] == 0


# History


def test_history__of_anothers_row__is_empty(in_private: Any, acting: Any, ben: Any, rows_of: Any) -> None:
    """As if there were no such row."""
    with acting(ben):
        assert (timeline(Study, rows_of["ana"].pk).count(), Study.history.count()) == (0, 1)


def test_versions__of_all_rows__are_those_of_own_ones(in_private: Any, acting: Any, ana: Any) -> None:
    """Whatever manager of the history model is asked."""
    with acting(ana):
        assert codes(history_model(Study).objects.all()) == ["OF-ANA"]


def test_history__of_an_own_deleted_row__is_shown(
    in_private: Any, acting: Any, ana: Any, rows_of: Any
) -> None:
    """Its owner can look up what was deleted."""
    with acting(ana):
        rows_of["ana"].delete()
        assert timeline(Study, rows_of["ana"].pk).count() == 2


def test_history__of_a_purged_row__is_for_the_system(
    in_private: Any, acting: Any, ana: Any, rows_of: Any
) -> None:
    """Nobody owns what is gone."""
    key = rows_of["ana"].pk
    with acting(ana):
        rows_of["ana"].purge()
        own = timeline(Study, key).count()
    with acting(Actor.system()):
        assert (own, timeline(Study, key).count()) == (0, 2)


def test_history__while_nobody_acts__is_refused(in_private: Any) -> None:
    """Fail closed."""
    with pytest.raises(ActorRequired):
        Study.history.count()


def test_as_of__shows_own_rows_alone(in_private: Any, acting: Any, ana: Any) -> None:
    """The past is private, too."""
    with acting(ana):
        moment = Study.history.latest("history_date").history_date
        assert [row.code for row in Study.history.as_of(moment)] == ["OF-ANA"]


def test_revert__of_anothers_row__finds_no_version(
    in_private: Any, acting: Any, ben: Any, rows_of: Any
) -> None:
    """The plan already is refused."""
    with acting(Actor.system()):
        version = timeline(Study, rows_of["ana"].pk)[0].history_id
    with acting(ben), pytest.raises(RowNotFound):
        plan_revert(rows_of["ana"], version)


# Sharing


def test_share__in_private_mode__is_refused(
    in_private: Any, acting: Any, ana: Any, beta: Any, rows_of: Any
) -> None:
    """A row of one's own is for nobody else."""
    with acting(ana), pytest.raises(ShareRefused, match="private"):
        share(rows_of["ana"], beta)


def test_grants__of_before__show_nothing(
    in_private: Any, acting: Any, alpha: Any, beta: Any, rows_of: Any, settings: Any
) -> None:
    """What was shared while rows were shared is private again."""
    settings.SMARTMODELS_OWNER_MODEL = None
    with acting(Actor.system()):
        share(rows_of["ana"], beta)
    settings.SMARTMODELS_OWNER_MODEL = settings.AUTH_USER_MODEL
    with namespace_scope(beta), acting(Actor.system()):
        assert active_grants(Study).count() == 0


# Every smart model


@pytest.mark.parametrize(
    "model", SmartModel.__subclasses__()[0].__subclasses__(), ids=lambda each: each.__name__
)
def test_every_resource__while_nobody_acts__is_refused(private: None, alpha: Any, model: Any) -> None:
    """No model is forgotten."""
    with namespace_scope(alpha), pytest.raises(ActorRequired):
        model.objects.exists()


# HTTP


def address(row: Any) -> str:
    return f"/api/v1/studies/{row.pk}/"


def test_list_over_rest__is_of_own_rows(rows_of: Any, api_of: Any, ana: Any, alpha: Any) -> None:
    """The owner of the namespace sees theirs alone, too."""
    page = api_of(ana, alpha).get("/api/v1/studies/").json()
    assert ([row["code"] for row in page["results"]], page.get("count", 1)) == (["OF-ANA"], 1)


@pytest.mark.parametrize("path", ["", "history/"])
def test_anothers_row_over_rest__is_not_found(
    rows_of: Any, api_of: Any, ana: Any, alpha: Any, path: str
) -> None:
    """Neither the row nor its history."""
    assert api_of(ana, alpha).get(f"{address(rows_of['ben'])}{path}").status_code == 404


@pytest.mark.parametrize("verb", ["patch", "delete"])
def test_write_to_anothers_row_over_rest__is_not_found(
    rows_of: Any, api_of: Any, ana: Any, alpha: Any, verb: str
) -> None:
    """Also for the owner of the namespace."""
    answer = getattr(api_of(ana, alpha), verb)(address(rows_of["ben"]), {} if verb == "patch" else None)
    assert answer.status_code == 404


@pytest.mark.parametrize(("path", "data"), [("restore/", None), ("revert/", {"version": 1})])
def test_way_back_of_anothers_row_over_rest__is_not_found(
    rows_of: Any, api_of: Any, ana: Any, alpha: Any, path: str, data: Any
) -> None:
    """Restore and revert work on deleted rows as well."""
    assert api_of(ana, alpha).post(f"{address(rows_of['ben'])}{path}", data).status_code == 404


def test_restore_over_rest__of_an_own_row__works(rows_of: Any, api_of: Any, ana: Any, alpha: Any) -> None:
    """Deleted and brought back by its owner."""
    api = api_of(ana, alpha)
    assert api.delete(address(rows_of["ana"])).status_code == 204
    assert api.post(f"{address(rows_of['ana'])}restore/").status_code == 200


def test_deletion_over_rest__that_takes_rows_of_others__is_refused(
    rows_of: Any, api_of: Any, ana: Any, ben: Any, alpha: Any, acting: Any
) -> None:
    """Though they cannot be seen, and though ana owns the namespace."""
    with namespace_scope(alpha), acting(ben):
        Specimen.objects.create(study_id=rows_of["ana"].pk, number=1, individual="N", species="Adelie")
    assert api_of(ana, alpha).delete(address(rows_of["ana"])).status_code == 403


def test_reference_over_rest__to_anothers_row__is_refused(
    rows_of: Any, api_of: Any, ben: Any, alpha: Any
) -> None:
    """A key that is not visible cannot be used."""
    data = {"study": str(rows_of["ana"].pk), "number": 1, "individual": "N1A1", "species": "Adelie"}
    answer = api_of(ben, alpha).post("/api/v1/specimens/", data)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "does-not-exist")


def test_value_taken_by_a_row_nobody_sees__is_refused_by_name(
    private: None, api_of: Any, ana: Any, ben: Any, alpha: Any, acting: Any
) -> None:
    """What must be unique in the namespace is, and the answer is no server error."""
    with namespace_scope(alpha), acting(ana):
        Study.objects.create(code="PAL0708", island="Dream")
    answer = api_of(ben, alpha).post("/api/v1/studies/", {"code": "PAL0708", "island": "Dream"})
    assert answer.status_code in (400, 409)


def test_operations_over_rest__of_others__are_not_listed(
    rows_of: Any, api_of: Any, ana: Any, ben: Any, alpha: Any
) -> None:
    """What touched none of one's own rows did not happen, as far as one knows."""
    page = api_of(ana, alpha).get("/api/v1/operations/").json()
    assert [each["actor"]["label"] for each in page["results"]] == [ana.email]


def test_operation_over_rest__of_somebody_else__is_not_found(
    rows_of: Any, api_of: Any, ana: Any, ben: Any, alpha: Any, acting: Any
) -> None:
    """Nor can it be undone."""
    with namespace_scope(alpha), acting(ben):
        done = timeline(Study, rows_of["ben"].pk)[0].operation_id
    api = api_of(ana, alpha)
    path = f"/api/v1/operations/{done}/"
    assert (api.get(path).status_code, api.post(f"{path}revert/", {}).status_code) == (404, 404)


def test_list__in_private_mode__takes_as_many_queries_as_in_shared_mode(
    rows_of: Any, api_of: Any, ana: Any, alpha: Any, settings: Any
) -> None:
    """The condition is part of the statements there are."""
    api, counts = api_of(ana, alpha), []
    for mode in (settings.AUTH_USER_MODEL, None):
        settings.SMARTMODELS_OWNER_MODEL = mode
        with CaptureQueriesContext(connection) as queries:
            api.get("/api/v1/studies/?scope=own")
        counts.append(len(queries))
    assert counts[0] <= counts[1]


def admin_path(row: Any, page: str) -> str:
    return f"/admin/research/study/{row.pk}/{page}/"


def test_list_in_the_admin__is_of_own_rows(rows_of: Any, client_of: Any, ana: Any, alpha: Any) -> None:
    """Ben's is not on the page."""
    page = client_of(ana, alpha).get("/admin/research/study/").content.decode()
    assert ("OF-ANA" in page, "OF-BEN" in page) == (True, False)


def test_front_page_of_the_admin__tells_of_own_rows(
    rows_of: Any, client_of: Any, ana: Any, alpha: Any
) -> None:
    """Recent changes of others are none of one's business."""
    page = client_of(ana, alpha).get("/admin/").content.decode()
    assert "OF-BEN" not in page


@pytest.mark.parametrize("page", ["history", "restore"])
def test_page_of_anothers_row_in_the_admin__is_not_found(
    rows_of: Any, client_of: Any, ana: Any, alpha: Any, page: str
) -> None:
    """As if there were no such row."""
    assert client_of(ana, alpha).get(admin_path(rows_of["ben"], page)).status_code == 404


@pytest.mark.parametrize("page", ["change", "delete"])
def test_form_of_anothers_row_in_the_admin__leads_away(
    rows_of: Any, client_of: Any, ana: Any, alpha: Any, page: str
) -> None:
    """Django sends to the front page for keys that it does not find."""
    answer = client_of(ana, alpha).get(admin_path(rows_of["ben"], page))
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")

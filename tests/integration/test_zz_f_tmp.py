import time
from typing import Any
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from smartmodels.context import Actor, operation
from smartmodels.history import mark
from tests.integration.test_admin_operations import *
from tests.integration.test_admin_history import animal, history_of

def test_counts(client_of, ana, alpha, in_alpha, by, animal):
    for n in range(30):
        Animal.objects.filter(pk=animal.pk).update(name=f"n{n}")
        (animal.tags.add if n % 2 else animal.tags.remove)(Tag.objects.get(label="a"))
    for n in range(50):
        with by(ana): Study.objects.create(code=str(n))
    with by(ana):
        st = Study.objects.create(code="big")
    with by(ana) as opened:
        Specimen.objects.bulk_create([Specimen(study=st, number=n, individual=f"N{n}", species="A") for n in range(5000)])
        Animal.objects.filter(pk=animal.pk).update(name="zz")
    with by(ana) as upd:
        Specimen.objects.update(species="B" )
    with by(ana) as dele:
        st.delete()
    made = mark("x")
    c = client_of(ana, alpha)
    for name, where in {"history": history_of(animal), "list": LIST, "page": page_of(opened.id), "undo": undo_of(opened.id), "undo upd": undo_of(upd.id), "undo delete": undo_of(dele.id),
        "between form": "/admin/history/between/", "between": f"/admin/history/between/?user={ana.pk}&since=2020-01-01T00:00", "marks": "/admin/history/marks/", "mark undo": f"/admin/history/marks/{made.pk}/undo/",
        "index": "/admin/", "restore": f"/admin/research/study/{st.pk}/restore/", "deleted": "/admin/research/specimen/?deleted=yes"}.items():
        with CaptureQueriesContext(connection) as sent:
            t = time.monotonic(); r = c.get(where); t = time.monotonic() - t
        print(f"{name:15} {r.status_code} {len(sent):4} queries {t:.2f} s {len(r.content)//1024} KiB")
    t = time.monotonic()
    r = confirm(c, undo_of(dele.id)); print("apply", r.status_code, f"{time.monotonic()-t:.2f}")

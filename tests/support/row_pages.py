"""A URLconf with pages of the zoo's models, some of them narrowed: for the tests of smartmodels.views."""

from django.urls import include, path

from config.urls_namespace import urlpatterns as of_namespace
from smartmodels.views import NamespaceRowsMixin, OwnRowsMixin, row_pages
from tests.zoo.models import Animal, Enclosure, Feeding, Keeper, Tag

urlpatterns = [
    *of_namespace,
    path("mine/", include((row_pages(Keeper, OwnRowsMixin), "mine"))),
    path("ours/", include((row_pages(Keeper, NamespaceRowsMixin), "ours"))),
    path("look/", include((row_pages(Tag, read_only=True), "look"))),
    *(each for model in (Animal, Enclosure, Feeding) for each in row_pages(model)),
]

"""Namespaces as PostgreSQL schemas: the engine, routing by host, provisioning, migrating.

The only room that knows django-tenants. Nothing is imported here, because Django loads the database
engine (``smartmodels.tenancy.engine``) before models can be imported.
"""

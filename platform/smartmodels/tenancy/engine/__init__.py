"""The database engine: ``ENGINE = "smartmodels.tenancy.engine"``."""

"""Tenants, their hosts and their members."""

"""The registry of shared rows and the grants."""

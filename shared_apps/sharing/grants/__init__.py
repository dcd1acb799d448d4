"""Grants over REST: offer, answer, take back, and what happened to them."""

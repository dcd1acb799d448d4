"""Django apps whose rows live in every namespace's schema; every folder here is one, installed as it is."""

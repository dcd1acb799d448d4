"""Django apps whose rows live once, in the public schema."""

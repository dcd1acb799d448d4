"""What operations need in the public schema: the function that captures history."""

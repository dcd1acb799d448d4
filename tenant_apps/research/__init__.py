"""Field research: the demo domain, with measurements of three species of penguins."""

"""Who may call the API how: scopes of programs, permissions of people, limits, and pages of other origins."""

"""No coordinator: services that tell what happened, and react to what others tell."""

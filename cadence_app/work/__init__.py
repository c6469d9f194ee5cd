"""How work is queued, held, tried again and found when it is due."""

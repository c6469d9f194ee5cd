"""An organisation's own accounts with carriers: their settings, and what they send us."""

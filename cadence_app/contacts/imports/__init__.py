"""Contacts from a file: reading, matching, checking, and applying in batches that survive a crash."""

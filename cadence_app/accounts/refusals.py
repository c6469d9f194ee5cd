"""What says no to a value that a person gave."""

from __future__ import annotations


class Refused(ValueError):
    """A value that can't be used; the text says why, for the person who gave it."""

    @property
    def sentence(self) -> str:
        """The text as a page says it."""
        text = str(self).removesuffix(".")
        return f"{text[:1].upper()}{text[1:]}."

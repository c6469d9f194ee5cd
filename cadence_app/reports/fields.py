"""Form fields that more than one report has."""

from __future__ import annotations

from datetime import date

from wtforms import DateField


class DayField(DateField):
    """A date field that tells "nothing entered" from "not a date"."""

    data: date | None

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None
            raise ValueError("Enter a date as year-month-day, such as 2026-03-31.") from None

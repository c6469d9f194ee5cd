"""The phone numbers that teams text from, and who works in them."""

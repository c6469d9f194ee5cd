"""Files that come and go with texts (MMS): kept in the storage, behind sign-in."""

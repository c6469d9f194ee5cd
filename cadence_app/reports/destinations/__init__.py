"""Where files go besides by mail: SFTP servers and S3-compatible storage."""

from __future__ import annotations

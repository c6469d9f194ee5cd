from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reports.servers import SftpHost, s3_serving, sftp_serving


@pytest.fixture
def sftp_host(tmp_path: Path) -> Iterator[SftpHost]:
    (tmp_path / "in").mkdir()
    with sftp_serving(SftpHost(tmp_path)) as host:
        yield host


@pytest.fixture(scope="module")
def s3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the buckets of the S3 storage: a folder each."""
    return tmp_path_factory.mktemp("s3")


@pytest.fixture(scope="module")
def s3_url(s3_folder: Path) -> Iterator[str]:
    with s3_serving(s3_folder) as url:
        yield url

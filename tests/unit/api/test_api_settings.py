"""A wrong setting stops the start; the defaults are those of the documentation."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import ApiSettings


def test_everything_is_kept_in_the_data_directory():
    assert ApiSettings(data_dir=Path("/var/lib/vqm")).store_url() == "sqlite:////var/lib/vqm/vqm.sqlite3"


def test_the_database_may_be_elsewhere(monkeypatch):
    monkeypatch.setenv("VQM_DATABASE_URL", "sqlite:////srv/vqm.sqlite3")

    assert ApiSettings().store_url() == "sqlite:////srv/vqm.sqlite3"


@pytest.mark.parametrize("url", ["mysql://db/vqm", "vqm.sqlite3", "sqlite:vqm"])
def test_an_unknown_database_is_refused(url):
    with pytest.raises(ValidationError, match="sqlite:///"):
        ApiSettings(database_url=url)


def test_the_password_does_not_show():
    assert "secret" not in repr(ApiSettings(admin_password="secret"))

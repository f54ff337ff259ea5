"""What the documents say about the code is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_that_the_map_of_the_proxy_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = text.partition("## Inside sip-proxy")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z_*/]+(?:\.py|/))`", section)

    folder = ROOT / "services" / "sip-proxy" / "sip_proxy"
    assert len(named) > 30
    assert [name for name in named if not list(folder.rglob(name.rstrip("/")))] == []

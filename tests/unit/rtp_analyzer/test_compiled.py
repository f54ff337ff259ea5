"""The cache of compiled functions."""

from pathlib import Path

import numba

from rtp_analyzer.compiled import sources_digest


def test_a_change_in_any_source_is_another_digest(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "caller.py").write_text("a")
    (tmp_path / "inner" / "callee.py").write_text("b")
    before = sources_digest(tmp_path)

    (tmp_path / "inner" / "callee.py").write_text("c")

    assert sources_digest(tmp_path) != before


def test_the_same_sources_have_the_same_digest(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a")
    before = sources_digest(tmp_path)

    (tmp_path / "a.py").write_text("a")
    (tmp_path / "notes.txt").write_text("no source")

    assert sources_digest(tmp_path) == before


def test_compiled_code_is_kept_by_the_state_of_the_sources() -> None:
    folder: str = numba.config.CACHE_DIR  # type: ignore[attr-defined]  # numba fills its config at run time

    assert Path(folder).name.startswith("numba-")
    assert len(Path(folder).name) == len("numba-") + len(sources_digest(Path(__file__).parent))

"""deploy/prepare.sh: which Python it takes, what it says when there is none, and what it does after an interruption."""

import os
import shlex
import subprocess

import pytest

from vqm_local.settings import REPOSITORY

pytestmark = pytest.mark.integration


@pytest.fixture
def pythons(tmp_path):
    """Puts pretended Pythons on the PATH: name to what they say of themselves, None for a command that fails."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(**answers: str | None):
        for name, answer in answers.items():
            path = folder / name.replace("_", ".")
            path.write_text(f"#!/bin/sh\n{'exit 127' if answer is None else f'echo {answer}'}\n")
            path.chmod(0o755)

    return put


@pytest.fixture
def shell(tmp_path):
    """Runs commands with the functions of prepare.sh, as `make run` would."""

    def run(commands: str, **environment: str) -> subprocess.CompletedProcess[str]:
        parts = (REPOSITORY / "deploy" / "prepare").glob("*.sh")
        script = f"""
            set -eu
            goal=run stamps=.venv/stamps
            {" ".join(f". {shlex.quote(str(part))};" for part in parts)}
            {commands}
        """
        path = f"{tmp_path / 'bin'}:/nonexistent"
        return subprocess.run(
            ["/bin/sh", "-c", script],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PATH": path, "HOME": str(tmp_path), **environment},
            timeout=30,
        )

    return run


def found(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


FIND = 'find_python; echo "$python"'


def test_the_python_that_has_phones_comes_first(shell, pythons):
    pythons(python3_13="3.13.0 yes yes", python3_12="3.12.1 yes yes", python3="3.11.2 yes yes")

    assert found(shell(FIND)) == "python3.12"


def test_a_command_that_exists_but_does_not_run_is_passed_over(shell, pythons):
    pythons(python3_12=None, python3_11=None, python3="3.11.2 yes yes")

    assert found(shell(FIND)) == "python3"


def test_one_without_venv_is_passed_over_when_another_has_it(shell, pythons):
    pythons(python3_12="3.12.1 yes no", python3="3.11.2 yes yes")

    assert found(shell(FIND)) == "python3"


def test_the_python_that_the_user_names_wins(shell, pythons):
    pythons(python3_12="3.12.1 yes yes", mine="3.13.0 yes yes")

    assert found(shell(FIND, VQM_PYTHON="mine")) == "mine"


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        ({}, "Python 3.11 or newer was not found: sudo apt install python3 python3-venv"),
        ({"python3": "3.9.2 no yes"}, "Python 3.9.2 cannot be used, 3.11, 3.12 or 3.13 is needed: "),
        ({"python3": "3.14.0 no yes"}, "Python 3.14.0 cannot be used, 3.11, 3.12 or 3.13 is needed: "),
    ],
)
def test_without_a_python_that_fits_one_sentence_says_what_to_do(shell, pythons, there, sentence):
    pythons(**there)

    result = shell(FIND)

    assert result.returncode == 1
    assert result.stderr.startswith(f"make run: {sentence}")
    assert result.stderr.count("\n") == 1


def with_tools(pythons, **answers):
    """Some of the script's own tools, beside the Pythons."""
    pythons(basename='"${1##*/}"', **answers)


def test_without_venv_the_package_of_the_distributions_python_is_named(shell, pythons):
    with_tools(pythons, python3_11="3.11.2 yes no", python3="3.11.2 yes no")

    assert shell(FIND).stderr == "make run: Python's venv module is missing: sudo apt install python3-venv\n"


def test_without_venv_the_package_of_an_added_python_is_named(shell, pythons):
    with_tools(pythons, python3_11="3.11.0 yes no", python3="3.10.12 no yes")

    assert shell(FIND).stderr == "make run: Python's venv module is missing: sudo apt install python3.11-venv\n"


def test_a_named_python_that_is_too_old_is_refused(shell, pythons):
    pythons(old="3.10.13 no yes", python3="3.11.2 yes yes")

    result = shell(FIND, VQM_PYTHON="old")

    assert result.returncode == 1
    assert result.stderr == ("make run: VQM_PYTHON=old is 3.10.13; 3.11, 3.12 or 3.13 is needed: unset VQM_PYTHON\n")


def test_a_package_whose_installation_was_cut_off_is_installed_again(shell, tmp_path):
    site = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    for name, whole in (("whole-1.0", True), ("cut-1.0", False)):
        (site / f"{name}.dist-info").mkdir(parents=True)
        (site / f"{name}.dist-info" / "METADATA").touch()
        if whole:
            (site / f"{name}.dist-info" / "INSTALLER").touch()

    found(shell("remove_half_installed", PATH=os.environ["PATH"]))

    assert [path.name for path in site.iterdir()] == ["whole-1.0.dist-info"]


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("WARNING: Retrying ... NewConnectionError('...')", "the package index cannot be reached: check the network"),
        ("ERROR: [Errno 28] No space left on device", "the disk is full: "),
        ("ERROR: No matching distribution found for x==1", "a package does not exist for Python 3.13.0 on "),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "the packages cannot be installed, see above"),
    ],
)
def test_when_pip_fails_the_reason_is_named(shell, tmp_path, log, sentence):
    (tmp_path / "pip.log").write_text(log + "\n")

    result = shell("python_version=3.13.0; pip_failed pip.log", PATH=os.environ["PATH"])

    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(f"make run: {sentence}")


@pytest.fixture
def dashboard(tmp_path, pythons):
    """A dashboard to build, and a pretended npm that says what it was asked."""
    web = tmp_path / "services" / "web"
    web.mkdir(parents=True)
    (tmp_path / ".venv" / "stamps").mkdir(parents=True)
    (web / "package-lock.json").write_text("{}")
    (web / "app.ts").write_text("one")
    pythons(node="", npm="")
    (tmp_path / "bin" / "npm").write_text(
        f"""#!/bin/sh
        echo "$1 $2" >>{tmp_path}/asked
        case "$1 $2" in ci*) mkdir -p node_modules ;; *build) mkdir -p dist && : >dist/index.html ;; esac
        """
    )

    def asked() -> list[str]:
        lines = (tmp_path / "asked").read_text().splitlines()
        (tmp_path / "asked").unlink()
        return [line for line in lines if not line.startswith("--version")]

    return asked


def test_the_dashboard_is_built_once(shell, dashboard, tmp_path):
    path = f"{tmp_path}/bin:{os.environ['PATH']}"

    assert found(shell("build_web", PATH=path)).splitlines() == [
        "Installing the dashboard's build tools ...",
        "Building the dashboard ...",
    ]
    assert dashboard() == ["ci --omit=dev", "run build"]
    assert found(shell("build_web", PATH=path)) == ""


def test_a_changed_source_is_built_with_the_tools_that_are_there(shell, dashboard, tmp_path):
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    found(shell("build_web", PATH=path))
    dashboard()

    (tmp_path / "services" / "web" / "app.ts").write_text("two")

    assert found(shell("build_web", PATH=path)) == "Building the dashboard ..."
    assert dashboard() == ["run build"]


def test_tests_need_more_tools_and_these_do_for_a_build_too(shell, dashboard, tmp_path):
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    found(shell("build_web", PATH=path))
    dashboard()

    found(shell("install_web_tools", PATH=path))

    assert dashboard() == ["ci --include=dev"]
    assert found(shell("npm_ci runtime", PATH=path)) == ""


def test_a_build_that_was_cut_off_is_done_again(shell, dashboard, tmp_path):
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    found(shell("build_web", PATH=path))
    dashboard()
    (tmp_path / ".venv" / "stamps" / "web-built").unlink()

    found(shell("build_web", PATH=path))

    assert dashboard() == ["run build"]

"""What is in the image, and that it works as it will be run: an ordinary user on a read-only root."""

import os
import re
import stat
from pathlib import Path

import pytest
import root_folder
from built import USER
from server import Server

SERVICES = ("accounts", "sales", "service", "marketing", "gateway")
PROGRAMS = ("rapport", *(f"rapport-{service}" for service in SERVICES), "rapportctl")
# A node pulls it before a pod can start.
MAX_BYTES = 200_000_000
# Compilers, what they are called by, and what else makes programs or fetches them.
TOOLS = re.compile(
    r"(.*-)?(cc|c\+\+|gcc|g\+\+|cpp|clang|clang\+\+|as|ld|gold|mold|ar|cmake|ninja|make|git|gdb|python3?)(-?[\d.]+)?"
    r"|go|java|node|npm|pip3?|curl|wget|protoc"
)
# Which a linker or a compiler reads.
OF_COMPILERS = re.compile(r".*\.(h|hpp|hh|a|o|la|pc|cmake|proto)")


def everything(root: Path):
    """Every file and folder of it, as paths that begin with /."""
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            yield f"/{path.relative_to(root)}", path.lstat()


@pytest.fixture(scope="module")
def files(image) -> dict[str, os.stat_result]:
    return dict(everything(image.root))


def test_the_image_says_how_it_is_started(image):
    config = image.config
    assert (config["User"], config["Entrypoint"], config["Cmd"]) == (USER, ["rapport"], ["--help"])
    assert config["Volumes"] == {"/data": {}}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_says_its_version(image, program):
    answer = image.run(program, "--version", writable=())
    assert answer.returncode == 0, answer.stderr
    assert re.fullmatch(rf"{program.split('-')[0]} \d+\.\d+\.\d+\n", answer.stdout)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_says_what_it_can(image, program):
    answer = image.run(program, "--help", writable=())
    assert answer.returncode == 0, answer.stderr
    assert "--version" in answer.stdout and "Usage: " in answer.stdout


@pytest.mark.parametrize("program", ["rapport", "rapportctl"])
def test_every_library_is_there(image, program):
    answer = image.run("ldd", f"/usr/bin/{program}", writable=())
    assert answer.returncode == 0 and "librdkafka" in answer.stdout, answer.stderr
    assert "not found" not in answer.stdout


def test_a_server_works_and_ends(image, tmp_path):
    server = Server(tmp_path)
    server.command, server.data = image.command("rapport", "serve"), Path("/data")
    server.start()
    try:
        made = server.create("/v1/customers", {"displayName": "Ada", "kind": "PERSON"})
        assert server.get(f"/v1/{made['name']}")["displayName"] == "Ada"
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        assert re.search(r"^Uid:(\t10001){4}$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
        assert server.stop() == 0, server.log.read_text()
    finally:
        if server.running():
            server.kill()


def test_without_a_volume_the_server_says_that_it_cannot_write(image):
    answer = image.run("rapport", "serve", "--data=/data", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0", writable=())
    assert answer.returncode == 1
    assert "/data" in answer.stderr and "Read-only file system" in answer.stderr


def test_nothing_but_the_volumes_can_be_written(image):
    found = image.run("find", "/", "-xdev", "-writable", writable=("/data", "/tmp")).stdout.split()
    assert sorted(found) == ["/data", "/tmp"]
    # Where anybody may write as far as permissions go.
    refused = image.run("touch", "/var/tmp/x")
    assert refused.returncode == 1 and "Read-only file system" in refused.stderr


def test_where_the_root_could_be_written_the_user_may_not(files):
    """Left of every Debian are the folders where anybody may put files of his own."""
    uid, gid = map(int, USER.split(":"))
    mine = {path for path, found in files.items() if uid == found.st_uid or gid == found.st_gid}
    assert mine == {"/data"}
    anybodys = {path for path, found in files.items() if found.st_mode & 0o002 and not stat.S_ISLNK(found.st_mode)}
    assert anybodys <= {"/tmp", "/var/tmp", "/run/lock"}
    assert all(files[path].st_mode & stat.S_ISVTX for path in anybodys)


def test_nothing_is_setuid(image, files):
    """Nor setgid, and no file has capabilities of its own."""
    regular = {path: found for path, found in files.items() if stat.S_ISREG(found.st_mode)}
    assert [path for path, found in regular.items() if found.st_mode & 0o6000] == []
    assert [path for path in regular if "security.capability" in os.listxattr(image.root / path[1:])] == []


def test_nothing_that_a_compiler_needs_is_there(image, files):
    names = {path for path in files if re.fullmatch(r"(/usr(/local)?)?/s?bin/.*", path)}
    assert len(names) > 100
    assert {path for path in names if TOOLS.fullmatch(Path(path).name)} == set()
    assert {path for path in files if OF_COMPILERS.fullmatch(path)} == set()
    assert {path for path in files if path.startswith("/usr/include/")} == set()
    packages = root_folder.packages(image.root)
    assert len(packages) > 50
    makers = re.compile(r".*-dev|gcc|g\+\+|binutils|clang.*|llvm.*|python3.*")
    assert [name for name in packages if makers.fullmatch(name)] == []


def test_nothing_that_can_be_had_again_is_there(image, files):
    """Package lists and archives, documentation, and what tells where it was built."""
    kept = ("/var/lib/apt/lists/", "/var/cache/apt/", "/var/log/", "/var/tmp/", "/tmp/", "/usr/share/man/")
    regular = {path for path, found in files.items() if stat.S_ISREG(found.st_mode) and found.st_size > 0}
    assert {path for path in regular if path.startswith(kept)} == set()
    assert {path for path in regular if path.startswith("/usr/share/doc/") and not path.endswith("/copyright")} == set()
    resolver = image.root / "etc/resolv.conf"
    assert not resolver.exists() or resolver.read_text() == ""


def test_it_is_small(image):
    assert root_folder.size(image.root) < MAX_BYTES

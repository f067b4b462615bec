"""A root folder: a command in it, with mounts that end with the command, and what is in it."""

import os
import subprocess
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# In a mount namespace of its own: nobody else sees these mounts, and none outlives the command.
MOUNTS = """
set -e
root=$1 read_only=$2 writable=$3 user=$4
shift 4
mount --bind "$root" "$root"
if [ -n "$read_only" ]; then mount -o remount,bind,ro "$root"; fi
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o mode=755 devices "$root/dev"
for device in null zero full random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
for folder in $writable; do mount -t tmpfs -o "mode=700,uid=${user%:*},gid=${user#*:}" volume "$root$folder"; done
cd /
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
"""


def inside(
    root: Path, command: list[str], *, user: str = "0:0", read_only: bool = False, writable: tuple[str, ...] = ()
) -> list[str]:
    """What to start, as root, for `command` to be run in there under the pid that was started. The folders of
    `writable` are empty, the user's own, and gone afterwards."""
    enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNTS, "sh"]
    where = [str(root.resolve()), "read-only" if read_only else "", " ".join(writable), user]
    return [*enter, *where, "/usr/bin/env", "-i", f"PATH={PATH}", "HOME=/", "DEBIAN_FRONTEND=noninteractive", *command]


def packages(root: Path) -> list[str]:
    """Names of Debian's that are installed there."""
    entries = (root / "var/lib/dpkg/status").read_text().split("\n\n")
    return [entry.split("\n")[0].split()[1] for entry in entries if "\nStatus: install ok installed\n" in entry]


def size(root: Path) -> int:
    """Bytes of all files there; what has several names counts once."""
    sizes = {}
    for folder, _, names in os.walk(root):
        for name in names:
            found = os.lstat(os.path.join(folder, name))
            sizes[found.st_ino] = found.st_size
    return sum(sizes.values())


def summary(root: Path) -> str:
    return f"{size(root) / 1e6:.0f} MB, {len(packages(root))} packages"


def run(root: Path, script: str, **how) -> None:
    subprocess.run(inside(root, ["sh", "-ec", script], **how), check=True)

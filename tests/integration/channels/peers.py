"""Servers that an operator would meet: Debian's postfix and OpenSSH, private instances of each."""

from __future__ import annotations

import email
import email.policy
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import trustme

LIMIT = 1_000_000

MAIN = """\
compatibility_level = 3.6
queue_directory = {at}/spool
data_directory = {at}/data
myhostname = mx.la.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = error:outside mail is off in this test server
virtual_mailbox_domains = la.example
virtual_mailbox_base = {at}/mail
virtual_mailbox_maps = inline:{{ cme@la.example=cme/ }}
virtual_mailbox_limit = 0
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_tls_cert_file = {at}/server.pem
smtpd_tls_key_file = {at}/server.key
smtpd_tls_security_level = encrypt
message_size_limit = {limit}
maillog_file = /dev/stdout
"""

SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {at}/host_key
AuthorizedKeysFile {at}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PidFile {at}/sshd.pid
LogLevel ERROR
Subsystem sftp internal-sftp
ForceCommand internal-sftp {options} -d {at}/root
"""


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Postfix:
    """A running instance: its ports, where its mail lies, and what it wrote last.

    Args:
        port: where it insists on TLS.
        plain_port: where it is a relay for this machine, without TLS.
        inbox: the one mailbox.
        log: its log, line by line.
    """

    port: int
    plain_port: int
    inbox: Path
    log: Iterator[str]

    def fate_of(self, queue_id: str) -> str:
        """Read its log until it says what became of a mail; the log ends when it stops."""
        return next(line for line in self.log if f"{queue_id}: " in line and " status=" in line)

    def raw_mails(self) -> list[bytes]:
        """What was delivered, byte for byte."""
        return [path.read_bytes() for path in (self.inbox / "new").glob("*")]

    def mails(self) -> list[Any]:
        """What was delivered, read as a mail program would."""
        return [
            email.message_from_bytes(raw, policy=email.policy.default) for raw in self.raw_mails()
        ]


def why_no_postfix() -> str:
    """Say what is missing for a private instance, or nothing."""
    if shutil.which("postfix") is None:
        return "postfix is not installed"
    if not Path("/usr/share/postfix/master.cf.dist").is_file():
        return "this postfix is not laid out as Debian's"
    return ""


@contextmanager
def running_postfix(ca: trustme.CA) -> Iterator[Postfix]:
    """Start it, with a configuration of its own, in a folder that its users may enter."""
    port, plain_port = free_port(), free_port()
    # Not pytest's own folder: nobody but its owner may enter that, and postfix has other users.
    with tempfile.TemporaryDirectory(prefix="mis-bridge-postfix-") as name:
        at = Path(name)
        _lay_out(at, port, plain_port, ca)
        command = ["postfix", "-c", str(at / "etc")]
        with subprocess.Popen(
            [*command, "start-fg"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            log = iter(process.stdout)
            try:
                started = next((line for line in log if "daemon started" in line), "")
                assert started, "postfix did not start"
                yield Postfix(port, plain_port, at / "mail" / "cme", log)
            finally:
                subprocess.run([*command, "stop"], check=False, capture_output=True)
                process.wait(timeout=30)


def _lay_out(at: Path, port: int, plain_port: int, ca: trustme.CA) -> None:
    """Write the configuration and the folders, each with the owner that postfix asks for."""
    at.chmod(0o755)
    for folder in ("etc", "spool", "data", "mail"):
        (at / folder).mkdir(mode=0o755)
    shutil.chown(at / "data", "postfix")
    shutil.chown(at / "mail", "nobody", "nogroup")
    shutil.copy("/etc/postfix/postfix-files", at / "etc")
    master = Path("/usr/share/postfix/master.cf.dist").read_text()
    master = re.sub(
        r"^smtp +inet .*smtpd$",
        f"127.0.0.1:{port} inet n - n - - smtpd\n"
        f"127.0.0.1:{plain_port} inet n - n - - smtpd -o smtpd_tls_security_level=none",
        master,
        flags=re.MULTILINE,
    )
    # No service in a chroot: that would need a copy of the system's files.
    master = re.sub(
        r"^([a-z]+ +(?:unix|unix-dgram) +\S+ +\S+ +)y", r"\1n", master, flags=re.MULTILINE
    )
    (at / "etc" / "master.cf").write_text(master)
    (at / "etc" / "main.cf").write_text(MAIN.format(at=at, limit=LIMIT))
    certificate = ca.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(at / "server.key"))
    (at / "server.key").chmod(0o600)
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(at / "server.pem"), append=True)


@dataclass(frozen=True)
class Sshd:
    """A running instance, for one user with one key.

    Args:
        port: where it listens on the loopback.
        root: the folder that the login opens.
        user: who logs in: whoever runs the tests.
        host_key: its public key, as it would be published.
        user_key: private key of the user, OpenSSH text.
    """

    port: int
    root: Path
    user: str
    host_key: str
    user_key: str

    def names(self, folder: str = "inbox") -> list[str]:
        """What lies in a folder, hidden files too."""
        return sorted(path.name for path in (self.root / folder).iterdir())


def why_no_sshd() -> str:
    """Say what is missing for a private instance, or nothing."""
    if not Path("/usr/sbin/sshd").is_file() or shutil.which("ssh-keygen") is None:
        return "openssh-server is not installed"
    return ""


def new_key(at: Path) -> tuple[str, str]:
    """Make an ed25519 key pair; returns the private and the public one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(at)], check=True)
    public = at.with_name(f"{at.name}.pub").read_text()
    return at.read_text(), " ".join(public.split()[:2])


def fingerprint_of(public: str, folder: Path) -> str:
    """What OpenSSH calls the fingerprint of a public key."""
    (folder / "key.pub").write_text(public)
    command = ["ssh-keygen", "-lf", str(folder / "key.pub")]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return listed.split()[1]


@contextmanager
def running_sshd(at: Path, options: str = "") -> Iterator[Sshd]:
    """Start it, with a configuration and keys of its own; options are those of internal-sftp."""
    (at / "root" / "inbox").mkdir(parents=True)
    _, host_key = new_key(at / "host_key")
    user_key, user_public = new_key(at / "user_key")
    (at / "authorized_keys").write_text(user_public + "\n")
    port = free_port()
    (at / "sshd_config").write_text(SSHD.format(at=at, port=port, options=options))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = ["/usr/sbin/sshd", "-D", "-e", "-o", "LogLevel=INFO", "-f", str(at / "sshd_config")]
    with (
        (at / "log").open("w") as rest,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
    ):
        assert process.stderr is not None
        try:
            ready = next((line for line in process.stderr if "Server listening" in line), "")
            assert ready, "sshd did not start"
            rest.write(ready)
            user = pwd.getpwuid(os.geteuid()).pw_name
            yield Sshd(port, at / "root", user, host_key, user_key)
        finally:
            process.terminate()
            process.wait(timeout=30)

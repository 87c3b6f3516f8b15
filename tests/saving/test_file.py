"""The file itself: replaced whole, found damaged, and of no other content."""

import contextlib
import io
import json
import os
import pickle
import signal
import socket
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from saving.conftest import AIRLINE, Canary, Forgery, forecaster, npy, round_trip, with_checksum

import tsrnn

pytestmark = pytest.mark.slow


def test_the_same_estimator_is_the_same_file(path, tmp_path):
    fitted = forecaster().fit(AIRLINE)
    tsrnn.save(round_trip(fitted, path), tmp_path / "again.tsrnn")
    assert (tmp_path / "again.tsrnn").read_bytes() == path.read_bytes()


def test_the_file_says_what_wrote_it(path):
    tsrnn.save(forecaster(), path)
    assert path.read_bytes().startswith(b"tsrnn 1 sha256 ")
    with zipfile.ZipFile(path) as archive, archive.open("json.npy") as member:
        versions = json.loads(np.lib.format.read_array(member).tobytes())["versions"]
    assert versions["tsrnn"] == tsrnn.__version__
    assert versions["numpy"] == np.__version__
    assert set(versions) == {"tsrnn", "numpy", "numba", "scikit-learn", "pandas"}


# Files that are replaced


def test_paths_of_any_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tsrnn.save(forecaster(), "text.tsrnn")
    os.symlink("text.tsrnn", "link")
    tsrnn.save(forecaster(horizon=5), Path("link"))
    assert tsrnn.load("text.tsrnn").horizon == tsrnn.load(Path("link")).horizon == 5
    assert os.path.islink("link")
    assert sorted(os.listdir()) == ["link", "text.tsrnn"]
    with pytest.raises(FileNotFoundError):
        tsrnn.load("nothing.tsrnn")
    with pytest.raises(FileNotFoundError):
        tsrnn.save(forecaster(), "no folder/text.tsrnn")


def test_a_full_disk_leaves_the_old_file_alone(path, monkeypatch):
    tsrnn.save(forecaster(horizon=5), path)

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        tsrnn.save(forecaster(), path)
    assert os.listdir(path.parent) == [path.name]
    assert tsrnn.load(path).horizon == 5


def test_a_limit_of_file_sizes_leaves_the_old_file_alone(path):
    resource = pytest.importorskip("resource")
    tsrnn.save(forecaster(horizon=5), path)
    before, size = path.read_bytes(), path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    fitted = forecaster().fit(AIRLINE)
    for other in (path, path.parent / "new.tsrnn"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with pytest.raises(OSError, match=f"File too large: '{other}'"):
                tsrnn.save(fitted, other)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(path.parent) == [path.name]
    assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a FIFO is of Unix")
@pytest.mark.parametrize("is_link", [False, True])
def test_what_is_no_regular_file_stays(tmp_path, monkeypatch, is_link):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    os.mkdir("folder")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("socket")
    kinds = {"fifo": stat.S_ISFIFO, "socket": stat.S_ISSOCK}
    with contextlib.suppress(PermissionError):  # only root makes device nodes
        os.mknod("null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        kinds["null"] = stat.S_ISCHR
    for name, is_kind in kinds.items():
        path = name
        if is_link:
            path = f"{name}.link"
            os.symlink(name, path)
        with pytest.raises(ValueError, match=f"'{path}' is a .*Give the path of a file"):
            tsrnn.save(forecaster(), path)
        assert is_kind(os.stat(name).st_mode)
        assert os.path.islink(path) == is_link
    with pytest.raises(IsADirectoryError, match="'folder'"):
        tsrnn.save(forecaster(), "folder")
    listening.close()
    assert not [name for name in os.listdir() if name.endswith(".part")]


@pytest.mark.skipif(os.name != "posix", reason="permission bits are of Unix")
class TestAccess:
    @pytest.fixture(autouse=True)
    def umask(self):
        before = os.umask(0o022)
        yield
        os.umask(before)

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o400, 0o755])
    @pytest.mark.parametrize("is_link", [False, True])
    def test_permissions_stay(self, path, mode, is_link):
        tsrnn.save(forecaster(horizon=5), path)
        path.chmod(mode)
        given = path
        if is_link:
            given = path.parent / "link"
            given.symlink_to(path.name)
        tsrnn.save(forecaster(), given)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert (given.is_symlink(), tsrnn.load(given).horizon) == (is_link, 3)

    @pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
    def test_new_files_follow_the_umask(self, path, umask):
        os.umask(umask)
        tsrnn.save(forecaster(), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask

    def test_what_is_written_is_never_readable_by_more(self, path, monkeypatch):
        tsrnn.save(forecaster(), path)
        path.chmod(0o600)
        modes, fsync = [], os.fsync

        def watch(number):
            modes.append(stat.S_IMODE(os.fstat(number).st_mode))
            fsync(number)

        monkeypatch.setattr(os, "fsync", watch)
        tsrnn.save(forecaster(), path)
        assert modes == [0o600]

    def test_owner_and_group_stay(self, path, monkeypatch):
        tsrnn.save(forecaster(), path)
        changes = []
        monkeypatch.setattr(os, "chown", lambda name, *owner: changes.append(owner))
        tsrnn.save(forecaster(), path)
        assert changes == [(-1, path.stat().st_gid), (path.stat().st_uid, -1)]

        def refuse(*_):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "chown", refuse)
        tsrnn.save(forecaster(horizon=5), path)
        assert tsrnn.load(path).horizon == 5

    def test_hard_links_stay(self, path):
        fitted = forecaster().fit(AIRLINE)
        for first, second in ((forecaster(horizon=5), fitted), (fitted, forecaster(horizon=5))):
            tsrnn.save(first, path)
            other = path.parent / "other"
            os.link(path, other)
            path.chmod(0o600)
            tsrnn.save(second, path)
            assert os.path.samefile(path, other)
            assert tsrnn.load(other).horizon == second.horizon
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert sorted(os.listdir(path.parent)) == sorted([path.name, "other"])
            other.unlink()

    @pytest.mark.parametrize("call", [1, 2])
    def test_hard_links_where_writing_fails(self, path, monkeypatch, call):
        """The file is whole, the old one or the new one."""
        tsrnn.save(forecaster(horizon=5), path)
        os.link(path, path.parent / "other")
        calls = []

        def fail(number):
            calls.append(number)
            if len(calls) == call:
                raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            tsrnn.save(forecaster(), path)
        assert tsrnn.load(path).horizon == (5 if call == 1 else 3)
        assert sorted(os.listdir(path.parent)) == sorted([path.name, "other"])

    def test_a_folder_that_takes_no_file(self, path, monkeypatch):
        tsrnn.save(forecaster(horizon=5), path)
        create = os.open

        def refuse(name, *args, **kwargs):
            if str(name).endswith(".part"):
                raise PermissionError(13, "Permission denied", name)
            return create(name, *args, **kwargs)

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(PermissionError) as error_info:
            tsrnn.save(forecaster(), path)
        assert error_info.value.filename == str(path)
        monkeypatch.undo()
        assert tsrnn.load(path).horizon == 5


def test_links_that_lead_nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink("new.tsrnn", "link")
    tsrnn.save(forecaster(horizon=5), "link")
    assert os.path.islink("link")
    assert tsrnn.load("new.tsrnn").horizon == 5
    os.symlink("circle", "circle")
    with pytest.raises(OSError, match="circle"):
        tsrnn.save(forecaster(), "circle")
    assert os.path.islink("circle")


def test_the_longest_name(tmp_path):
    path = tmp_path / ("m" * 255)
    tsrnn.save(forecaster(horizon=5), path)
    tsrnn.save(forecaster(), path)
    assert tsrnn.load(path).horizon == 3


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_kill_while_writing_leaves_the_old_file(path, moment):
    tsrnn.save(forecaster(horizon=5), path)
    code = (
        "import os, signal, sys, tsrnn\n"
        f"os.{moment} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "tsrnn.save(tsrnn.RNNForecaster(), sys.argv[1])"
    )
    root = str(Path(tsrnn.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, path], env=os.environ | {"PYTHONPATH": root}, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    assert tsrnn.load(path).horizon == 5


# Damaged files


def assert_damaged(content, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged|is of format") as error_info:
        tsrnn.load(path)
    assert type(error_info.value) is ValueError
    assert str(path) in str(error_info.value)


def test_every_flipped_bit_at_the_beginning_is_detected(valid_file, path):
    for place in range(200):
        for bit in range(8):
            damaged = bytearray(valid_file)
            damaged[place] ^= 1 << bit
            assert_damaged(damaged, path)


def test_flipped_bits_and_cuts_are_detected_anywhere(valid_file, path):
    for place in np.random.default_rng(0).integers(200, len(valid_file), 200):
        damaged = bytearray(valid_file)
        damaged[place] ^= 1 << (place % 8)
        assert_damaged(damaged, path)
        assert_damaged(valid_file[:place], path)
        assert_damaged(valid_file[:place] + valid_file[place + 1 :], path)
    for place in range(200):
        assert_damaged(valid_file[:place], path)
    assert_damaged(valid_file + b"\0", path)


def test_a_newer_format_is_reported_as_newer(valid_file, path):
    path.write_bytes(valid_file.replace(b"tsrnn 1", b"tsrnn 12", 1))
    with pytest.raises(ValueError, match=r"is of format 12, and tsrnn .* reads format 1. Update"):
        tsrnn.load(path)


def test_other_files_are_refused(path):
    pickled, npz = io.BytesIO(), io.BytesIO()
    pickle.dump(forecaster(), pickled)
    np.savez(npz, a=np.zeros(3))
    for content in (b"", b"\n", b"PK", pickled.getvalue(), npz.getvalue(), b"tsrnn" * 1000):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a file of tsrnn.save"):
            tsrnn.load(path)
    if os.path.exists("/dev/zero"):
        with pytest.raises(ValueError, match=r"is not a file of tsrnn.save"):
            tsrnn.load("/dev/zero")


# Archives forged by somebody, whose checksum is right


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b"\xff",
        b'"' + b"a" * 100,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 900 + b"]" * 900,
        b"9" * 100_000,
        b'{"class": "RNNForecaster"}',
        b'{"versions": {"tsrnn": "' + b"9" * 10_000 + b'"}}',
        pickle.dumps(Canary()),
        b'{"class": "RNNForecaster", "parameters": {}, "fitted": {}, "versions": {"tsrnn": 1}}',
        b" " * 2**24 + b"{}",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_other_json_is_refused(text, valid_files, assert_refused):
    assert_refused(Forgery(valid_files["forecaster"]).npz(text))


def test_other_archives_are_refused(valid_files, assert_refused):
    forgery = Forgery(valid_files["forecaster"])
    archive = forgery.npz()
    for payload in (b"", b"PK", archive[:-30], archive[50:], pickle.dumps(Canary()), bytes(10**6)):
        assert_refused(payload)
    for how in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert_refused(forgery.npz(how=how))
    forgery.members["50.npy"] = npy(np.zeros(10**8, "u1"))
    assert_refused(forgery.npz(how=zipfile.ZIP_DEFLATED))


def test_archives_of_many_members_are_refused(valid_files, assert_refused):
    forgery = Forgery(valid_files["forecaster"])
    forgery.members |= {f"{number}.npy": b"" for number in range(100, 20_000)}
    assert_refused(forgery.npz())


def test_archives_that_claim_more_than_they_hold_are_refused(assert_refused):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("0.npy", bytes(10**5))
        for number in range(1, 500):  # which all are the bytes of the first
            info = zipfile.ZipInfo(f"{number}.npy")
            own = archive.filelist[0]
            info.header_offset, info.CRC = own.header_offset, own.CRC
            info.file_size = info.compress_size = own.file_size
            archive.filelist.append(info)
    assert_refused(file.getvalue())


@pytest.mark.parametrize("place", ["central", "local"])
def test_damaged_entries_of_archives_are_refused(place, valid_files, path):
    archive = Forgery(valid_files["forecaster"]).npz()
    rng = np.random.default_rng(0)
    begin = archive.index(b"PK\x01\x02") if place == "central" else 0
    end = len(archive) if place == "central" else 60
    for _ in range(300):
        payload = bytearray(archive)
        payload[rng.integers(begin, end)] = rng.integers(256)
        path.write_bytes(with_checksum(bytes(payload)))
        try:
            assert tsrnn.load(path).predict().size == 3
        except ValueError as error:
            assert "cannot be loaded by tsrnn" in str(error)  # noqa: PT017

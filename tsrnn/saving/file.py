"""The file format: a header line with a digest, and an npz of JSON and arrays."""

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import secrets
import stat
import zipfile

import numpy as np

from tsrnn import __version__
from tsrnn.saving.checks import check

FORMAT = 1
_HEADER = re.compile(rb"tsrnn ([1-9]\d{0,5}) sha256 ([0-9a-f]{64})\n")
_MAX_JSON_BYTES = 2**24  # parsed, it takes many times the memory
_MAX_MEMBERS = 1000  # of the npz, for the same reason
PLAIN = "biufcUSMm"  # kinds of dtype stored as arrays: numbers, texts, times
DTYPE = rf"[<>|][{PLAIN}][1-9]\d{{0,8}}(?:\[\w{{1,9}}\])?"
# The header that np.save writes for such an array, and nothing else that NumPy would parse.
_NPY = re.compile(
    rb"\x93NUMPY\x01\x00(?s:..)\{'descr': '(%b)', 'fortran_order': False, "
    rb"'shape': \(([\d, ]*)\), \} *\n" % DTYPE.encode()
)


def _digest(payload):
    digest = hashlib.sha256(b"tsrnn %d" % FORMAT)
    digest.update(payload)
    return digest.hexdigest()


def read(path):
    """The payload of a file, whose digest is verified."""
    name = repr(os.fspath(path))
    with open(path, "rb") as file:
        header = _HEADER.fullmatch(file.readline(128))
        if header is None:
            raise ValueError(
                f"{name} is not a file of tsrnn.save, or its beginning is damaged. Copy it again "
                "from where it was saved, or save the estimator again."
            )
        if int(header[1]) != FORMAT:
            raise ValueError(
                f"{name} is of format {int(header[1])}, and tsrnn {__version__} reads format "
                f"{FORMAT}. Update tsrnn to load it."
            )
        payload = file.read()
    if _digest(payload) != header[2].decode():
        raise ValueError(
            f"{name} is damaged: its checksum does not match its content, which was cut or "
            "changed. Copy it again from where it was saved, or save the estimator again."
        )
    return payload


def write(path, payload):
    """Write a payload with its header."""
    header = f"tsrnn {FORMAT} sha256 {_digest(payload)}\n"
    write_whole(path, header.encode(), payload)


def write_whole(path: str | os.PathLike, *content: bytes) -> None:
    """Write a file whole: what stood at ``path`` stays until all of the new content is on disk."""
    path = os.fsdecode(path)
    old, target = check_destination(path), os.path.realpath(path)  # a symbolic link stays one
    temporary = os.path.join(os.path.dirname(target), f"tsrnn-{secrets.token_hex(8)}.part")
    try:
        _create(temporary, content, 0o666 if old is None else 0o600)
        if old is None:
            os.replace(temporary, target)
        elif old.st_nlink == 1:
            _copy_access(old, temporary)
            os.replace(temporary, target)
        else:
            _overwrite(target, content, temporary)
    except BaseException as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            raise OSError(error.errno, error.strerror, path) from error
        raise


def check_destination(path: str | os.PathLike) -> os.stat_result | None:
    """Status of the regular file at ``path``, None where there is nothing; refuses all else."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(status.st_mode):
        kind = "a FIFO" if stat.S_ISFIFO(status.st_mode) else "a device or socket"
        raise ValueError(f"{os.fspath(path)!r} is {kind}. Give the path of a file.")
    return status


def _create(path, content, mode):
    """Write a new file, whose ``mode`` the umask restricts, to the disk."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())


def _copy_access(status, path):
    """Give a file the permissions of another, and its owner and group as far as is allowed."""
    if hasattr(os, "chown"):
        for owner in ((-1, status.st_gid), (status.st_uid, -1)):
            with contextlib.suppress(OSError):
                os.chown(path, *owner)
    os.chmod(path, stat.S_IMODE(status.st_mode))


def _overwrite(path, content, copy):
    """Overwrite a file that has other hard links; if that fails, ``copy`` takes its place."""
    with open(path, "r+b") as file:
        try:
            file.writelines(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            _copy_access(os.fstat(file.fileno()), copy)
            os.replace(copy, path)
            raise
    os.unlink(copy)


def pack(content, arrays):
    """The payload of JSON content and arrays: the same bytes for the same content."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":")).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        members = {"json": np.frombuffer(text, np.uint8), **dict(enumerate(arrays))}
        for name, array in members.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()


def unpack(payload):
    """The JSON content of a payload, and the bytes of its arrays by number."""
    if payload.count(zipfile.stringCentralDir) > _MAX_MEMBERS:
        raise ValueError(f"its npz has more than {_MAX_MEMBERS} members")
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        infos = archive.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise ValueError("its npz is compressed")
        if sum(info.file_size for info in infos) > len(payload):
            raise ValueError("its npz claims more bytes than there are")
        members = {info.filename.removesuffix(".npy"): archive.read(info) for info in infos}
    text = members.pop("json")
    if len(text) > _MAX_JSON_BYTES:
        raise ValueError(f"its JSON is longer than {_MAX_JSON_BYTES} bytes")
    content = json.loads(parse_array(text).tobytes().decode())
    return content, {int(name): data for name, data in members.items()}


def parse_array(data):
    """The array of a npy file's bytes, of which NumPy itself parses only the dtype."""
    header = _NPY.match(data)
    check(header, "the header of an array")
    dtype = np.dtype(header[1].decode())
    shape = [int(size) for size in header[2].split(b",") if size.strip()]
    check(max(shape, default=0) <= len(data), "the shape of an array")  # also of an empty one
    values = np.frombuffer(data, dtype, offset=header.end()).reshape(shape)
    return values.astype(dtype.newbyteorder("="))  # a copy, aligned and writable

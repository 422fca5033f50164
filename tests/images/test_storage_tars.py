from __future__ import annotations

import io
import tarfile
from pathlib import Path

from artcurate.images.faults import Fault, FaultReason
from artcurate.images.storage import ImageReader


def test_reads_members_of_tar_archives_and_names_their_faults(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, data in {"S/x.jpg": b"x" * 50, "empty.jpg": b"", "large.jpg": bytes(101)}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    (tmp_path / "b.TAR").write_bytes((tmp_path / "a.tar").read_bytes())
    (tmp_path / "zipped.tar").write_bytes(b"\x1f\x8b\x08" + bytes(range(1, 251)) * 5)
    reasons = {
        ("a.tar", "empty.jpg"): FaultReason.EMPTY_FILE,
        ("a.tar", "large.jpg"): FaultReason.TOO_MANY_BYTES,
        ("a.tar", "absent.jpg"): FaultReason.UNREADABLE,
        ("zipped.tar", "S/x.jpg"): FaultReason.UNSUPPORTED_FORMAT,
    }
    with ImageReader(tmp_path, max_bytes=100) as reader:
        assert reader.read("a.tar", "S/x.jpg") == reader.read("b.TAR", "S/x.jpg") == b"x" * 50
        for (location, member), reason in reasons.items():
            fault = reader.read(location, member)
            assert isinstance(fault, Fault)
            assert fault.reason is reason

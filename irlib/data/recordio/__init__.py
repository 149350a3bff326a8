"""MXNet's record files, without MXNet: read in place, packed from images, unpacked to folders."""

from irlib.data.recordio.packing import Packed, pack
from irlib.data.recordio.reader import Records, open_records
from irlib.data.recordio.unpacking import Unpacked, unpack

__all__ = ["Packed", "Records", "Unpacked", "open_records", "pack", "unpack"]

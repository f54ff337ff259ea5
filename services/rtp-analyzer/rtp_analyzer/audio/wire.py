"""How batches of packets go to the decoding process, and what it made of them comes back. Both run on one machine."""

import struct
from typing import Final

BATCH: Final = struct.Struct("=I")  # SAMPLE records that follow
ANSWER: Final = struct.Struct("=III?")  # PIECE records and 16-bit samples that follow; packets left; idle

"""What is wrong with a capture file."""


class CaptureError(ValueError):
    """The file is no capture, or of a kind that cannot be read; the message says why in one sentence."""

"""What stands before the parser and the door: bans, floods, scanners, and who has proven to be a friend."""

from sip_proxy.guard.guard import Dropped, Guard, Rules

__all__ = ["Dropped", "Guard", "Rules"]

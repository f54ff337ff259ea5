"""What the command tells the program that started it, besides the report."""

from typing import Final

EXIT_UNREADABLE: Final = 2
PROGRESS: Final = "progress "  # begins the lines of --tell-progress; then the share that was read, 0.01 to 1.00

"""Evidence bytes under their own hash."""

from staydown.vault.folder import FolderVault
from staydown.vault.seal import FileSeal

__all__ = ["FileSeal", "FolderVault"]

"""Evidence bytes under their own hash."""

from staydown.vault.folder import FolderVault

__all__ = ["FolderVault"]

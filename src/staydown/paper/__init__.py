"""Legal forms on paper: typst sets them, pyHanko signs and reads them."""

from staydown.paper.desk import PaperDesk

__all__ = ["PaperDesk"]

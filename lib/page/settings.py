"""What a page serves, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is served, and where.

    Attributes
    ----------
    model_dir, name
        The model's folder and the plugin's name.
    host, port
        Where; of a port that is taken, the next free one.
    read_only
        Whether the page only shows.
    """

    model_dir: str
    name: str
    host: str = "127.0.0.1"
    port: int = 8765
    read_only: bool = False

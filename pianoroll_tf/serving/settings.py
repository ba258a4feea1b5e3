"""All settings and limits of the server; the flags of `serve` are made from them."""

import dataclasses

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.settings import Settings, setting

MAX_MESSAGE_BYTES = 2**31 - 1  # of protobuf and gRPC
ROW_BYTES, MESSAGE_BYTES = 64, 1 << 16  # of a gRPC message, beside the rolls: per row, and for names and shapes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address(Settings):
    """Where the server listens, and for whom."""

    host: str = setting("127.0.0.1", "address to listen on; all except loopback can be reached from other machines")
    port: int = setting(
        8501, "port to listen on, that of TensorFlow Serving's REST API; 0: any free one", minimum=0, maximum=65535
    )
    grpc_port: int | None = setting(
        None, "port of TensorFlow Serving's gRPC API, usually 8500 (default: not served)", minimum=0, maximum=65535
    )
    allow_host: tuple[str, ...] = setting((), "names that are allowed in a Host header besides those of this machine")
    allow_origin: tuple[str, ...] = setting(
        (), "origins whose pages may read responses (CORS), such as https://example.org"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Versions(Settings):
    """Which versions are served, and on how many CPUs."""

    versions: int = setting(2, "how many of the newest versions are served", minimum=1, maximum=16)
    poll_seconds: float = setting(2.0, "how often the folder is checked for new versions", minimum=0.05, maximum=3600.0)
    tile_rows: tuple[int, ...] = setting(
        (2, 8, 32), "numbers of pieces that are drawn in one batch; each size is compiled when a version is loaded"
    )

    threads: int | None = setting(
        None, "CPUs that the model uses (default: all that this process may use)", minimum=1, maximum=1024
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tile_rows or list(self.tile_rows) != sorted(set(self.tile_rows)) or self.tile_rows[0] < 2:
            raise ValueError(f"tile_rows must be >= 2 and ascending. Received: tile_rows={self.tile_rows}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits(Settings):
    """Limits of requests and of the time that they may take."""

    body_bytes: int = setting(2 << 20, "of the body of an HTTP request; more: 413", minimum=1024, maximum=1 << 30)
    header_bytes: int = setting(16 << 10, "of the headers of a request; more: 431", minimum=1024, maximum=1 << 20)
    url_bytes: int = setting(2048, "of the URL of a request; more: 414", minimum=64, maximum=1 << 16)
    json_depth: int = setting(16, "levels of nesting in a JSON body; more: 400", minimum=4, maximum=256)
    most_steps: int = setting(
        65536, "steps of a request, summed over its rows; more: 400", minimum=1, maximum=1_000_000
    )
    most_rows: int = setting(64, "rows of one :predict request; more: 400", minimum=1, maximum=4096)
    primer_steps: int = setting(1024, "longest primer; of a longer MIDI file the end is used", minimum=1, maximum=65536)
    active_rows: int = setting(
        64, "pieces that are drawn in one round; further pieces take turns with them", minimum=1, maximum=1024
    )
    queue_rows: int = setting(
        256, "pieces that wait or are drawn; more: 429 with Retry-After", minimum=1, maximum=65536
    )
    streams: int = setting(128, "open streams; more: 429 with Retry-After", minimum=1, maximum=65536)
    uploads: int = setting(16, "MIDI files that are read or wait; more: 429 with Retry-After", minimum=1, maximum=4096)
    connections: int = setting(1024, "open connections; more: 503", minimum=1, maximum=65536)
    request_seconds: float = setting(
        60.0, "until the response to a request that is not a stream; later: 504", minimum=0.05, maximum=3600.0
    )
    idle_seconds: float = setting(
        10.0,
        "for the headers, for the body, and for a client to take 16 KiB, or a 16th, of a response; then it is dropped",
        minimum=0.05,
        maximum=3600.0,
    )
    keep_alive_seconds: float = setting(30.0, "for which an idle connection stays open", minimum=0.05, maximum=3600.0)
    drain_seconds: float = setting(
        60.0, "for the requests in progress when the server is asked to stop", minimum=0.05, maximum=3600.0
    )

    @property
    def grpc_request_bytes(self) -> int:
        """Of the largest gRPC request that the other limits allow: the longest primer in each row."""
        rolls = self.most_rows * (self.primer_steps * NUM_PITCHES + ROW_BYTES)
        return min(max(self.body_bytes, rolls + MESSAGE_BYTES), MAX_MESSAGE_BYTES)

    @property
    def grpc_response_bytes(self) -> int:
        """Of the largest gRPC response: rolls, of which one has nearly all steps, are padded to the same length."""
        rolls = self.most_rows * (self.most_steps * NUM_PITCHES + ROW_BYTES)
        return min(rolls + MESSAGE_BYTES, MAX_MESSAGE_BYTES)

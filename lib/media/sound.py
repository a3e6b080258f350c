"""A video's sound on its way into another file: copied where that can hold it."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import cast

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

_BIT_RATE = 192_000
_OPUS_RATE = 48_000
_log = logging.getLogger(__name__)


class Track:
    """A sound track, read packet by packet and handed on with the time that it has in the new file.

    Parameters
    ----------
    stream
        The track.
    container
        Where it goes to.
    start
        The source's time, in seconds, that is 0 in the new file.
    """

    def __init__(self, stream: AudioStream, container: OutputContainer, start: Fraction) -> None:
        self._start = start
        self._encoder: AudioStream | None = None
        if stream.codec_context.name in container.supported_codecs:
            self._target = container.add_stream_from_template(stream)
        else:
            self._target = self._encoder = _encoder_for(stream, container)
            context = self._encoder.codec_context
            self._resampler = AudioResampler(context.format, context.layout, context.rate)
        self._target.metadata.update(stream.metadata)

    def take(self, packet: "Packet[AudioStream]") -> "Iterator[Packet[AudioStream]]":
        """Give what a packet of the source becomes; of an empty one, what is left at the end."""
        if self._encoder is not None:
            yield from self._encoded(packet)
        elif packet.dts is not None:
            shift = round(self._start / packet.time_base)
            packet.dts -= shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
            packet.stream = self._target
            yield packet

    def _encoded(self, packet: "Packet[AudioStream]") -> "Iterator[Packet[AudioStream]]":
        assert self._encoder is not None
        is_end = packet.dts is None and not packet.size
        with suppress(av.InvalidDataError):  # a broken packet is a short silence
            for frame in packet.decode():
                if frame.pts is not None and frame.time_base:
                    frame.pts -= round(self._start / frame.time_base)
                for fitting in self._resampler.resample(frame):
                    yield from self._encoder.encode(fitting)
        if is_end:
            for fitting in self._resampler.resample(None):
                yield from self._encoder.encode(fitting)
            yield from self._encoder.encode(None)


def sound_packets(
    source: InputContainer, tracks: dict[int, Track]
) -> "Iterator[Packet[AudioStream]]":
    """Read all sound tracks of a source, as packets for the new file.

    Parameters
    ----------
    source
        The source.
    tracks
        Its tracks by their number in it.
    """
    try:
        for packet in source.demux(source.streams.audio):
            yield from tracks[packet.stream.index].take(packet)
    except av.InvalidDataError as error:
        _log.warning("%s: the sound breaks off: %s", source.name, error.strerror)


def _encoder_for(stream: AudioStream, container: OutputContainer) -> AudioStream:
    codec = "libopus" if "aac" not in container.supported_codecs else "aac"
    rates = av.Codec(codec, "w").audio_rates
    rate = stream.rate if not rates or stream.rate in rates else _OPUS_RATE
    _log.warning(
        "%s: a file of format %s can't hold sound of codec %s; it is encoded by %s",
        *(stream.container.name, container.format.name, stream.codec_context.name, codec),
    )
    encoder = cast(AudioStream, container.add_stream(codec, rate=rate, layout=stream.layout.name))
    encoder.bit_rate = _BIT_RATE
    return encoder

"""Damaged AVI, MP4 and MOV files: what does not hang together is refused by name, and nothing leads elsewhere."""

import os
import random
import struct

import cv2
import numpy as np
import pytest

from echolib.data import VideoError, read_video
from echolib.data import video as video_module
from echolib.data.jpeg import JPEGCheck
from echolib.phantom.writers.formats import write_mjpg
from tests.data.made import moving_noise, mp4, write_avi


def by_phantom(path, frames):
    write_mjpg(path, frames, 50)
    return path


WRITERS = {
    "opencv": write_avi,
    "ffmpeg": lambda path, frames: write_avi(path, frames, cv2.CAP_FFMPEG),
    "phantom": by_phantom,
}


@pytest.fixture(params=WRITERS)
def avi(request, tmp_path):
    return WRITERS[request.param](tmp_path / "clip.avi", moving_noise(20, 112, 112))


@pytest.fixture
def plain(tmp_path):
    return write_avi(tmp_path / "clip.avi", moving_noise(20, 112, 112))


def pictures(content) -> list[tuple[int, int]]:
    """Start and length of each picture of an AVI."""
    found, position = [], content.index(b"movi") + 4
    while content[position : position + 4] == b"00dc":
        length = struct.unpack_from("<I", content, position + 4)[0]
        found.append((position + 8, length))
        position += 8 + length + (length & 1)
    return found


def refused(path, content, match):
    path.write_bytes(content)
    with pytest.raises(VideoError, match=match):
        read_video(path)


@pytest.mark.parametrize("tail", [b"\0" * 16, b"hello, world", b"x", b"LIST\x04\0\0\0movi"])
def test_bytes_after_the_end(avi, tail):
    refused(avi, avi.read_bytes() + tail, r"clip\.avi is (cut short or )?damaged")


def test_padding_after_the_end_is_no_damage(plain):
    expected = read_video(plain)
    plain.write_bytes(plain.read_bytes() + b"JUNK\x04\0\0\0abcd")
    np.testing.assert_array_equal(read_video(plain), expected)


def test_a_chunk_that_leaves_its_list(avi):
    content = bytearray(avi.read_bytes())
    struct.pack_into("<I", content, pictures(content)[3][0] - 4, 1 << 20)
    refused(avi, content, "its 00dc chunk should end at byte")


def test_a_foreign_chunk_among_the_pictures(avi):
    content = bytearray(avi.read_bytes())
    start = pictures(content)[3][0]
    content[start - 8 : start - 4] = b"abcd"
    refused(avi, content, r"b'abcd' lies among its pictures")


@pytest.mark.parametrize("place", [8, 12])  # of an entry: where the chunk begins, how long it is
def test_an_index_that_names_other_chunks(avi, place):
    content = bytearray(avi.read_bytes())
    content[content.rindex(b"idx1") + 8 + 16 * 5 + place] ^= 8
    refused(avi, content, "index names other chunks")


def test_an_index_of_fewer_chunks(avi):
    content = bytearray(avi.read_bytes())
    index = content.rindex(b"idx1")
    struct.pack_into("<I", content, index + 4, 16 * 20 - 16)
    content[index + 8 + 16 * 19 :] = b"JUNK\x08\0\0\0abcdefgh"
    refused(avi, content, "index names other chunks")


def test_two_chunks_of_one_picture(avi):
    content = bytearray(avi.read_bytes())
    start, length = pictures(content)[-1]
    half = length // 4 * 2
    content[start + half : start + half + 8] = b"00dc" + struct.pack("<I", length - half - 8)
    struct.pack_into("<I", content, start - 4, half)
    content = content.replace(b"idx1", b"JUNK")
    refused(avi, content, r"holds 21 frames, its header says 20")


def test_a_picture_without_its_end(avi):
    content = bytearray(avi.read_bytes())
    start, length = pictures(content)[3]
    end = content.rindex(b"\xff\xd9", start, start + length)
    content[end : end + 2] = b"\x12\x34"
    refused(avi, content, r"frame 3 is damaged \(it has no end\)")


def test_a_marker_inside_of_a_picture(avi):
    content = bytearray(avi.read_bytes())
    start, length = pictures(content)[3]
    content[start + length - 400 : start + length - 398] = b"\xff\xd3"
    refused(avi, content, r"frame 3 is damaged \(a marker lies inside of it\)")


@pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xda"])
def test_a_header_that_is_not_that_of_the_others(avi, marker):
    content = bytearray(avi.read_bytes())
    start = pictures(content)[3][0]
    content[content.index(marker, start) + 10] ^= 0x05
    refused(avi, content, r"frame 3 is damaged \(its header is not that of the other frames\)")


def test_another_quality_is_no_damage(tmp_path):
    assert len(read_video(by_phantom(tmp_path / "clip.avi", moving_noise(20, 64, 64)))) == 20  # of two qualities
    encoded = [cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
               for frame, quality in zip(moving_noise(6, 64, 64), (95, 95, 90, 80, 95, 60), strict=True)]  # fmt: skip
    check = JPEGCheck(tmp_path / "clip.avi")
    for number, picture in enumerate(encoded):
        check.check(number, picture)


def test_a_lone_coloured_frame(tmp_path):
    frames = np.repeat(moving_noise(20, 64, 64)[..., None], 3, axis=-1)
    frames[7, :30, :30, 0] = 200
    path = write_avi(tmp_path / "clip.avi", frames)
    with pytest.raises(VideoError, match=r"frame 7 is damaged \(coloured between grey ones\)"):
        read_video(path)
    frames[4:14, :30, :30, 0] = 200  # colour that stays is no damage
    assert len(read_video(write_avi(path, frames))) == 20


def test_the_decoder_reports_errors(avi, monkeypatch):
    """A zeroed stretch of a picture: with libav's own settings it passes the decoder, and only the colour tells."""
    content = bytearray(avi.read_bytes())
    start, length = pictures(content)[3]
    content[start + length - 200 : start + length - 10] = b"\xfe" * 190
    monkeypatch.setattr(video_module, "_check_tints", lambda *_: None)
    refused(avi, content, "clip.avi cannot be decoded")


def test_pictures_of_another_size_than_the_header_says(plain):
    content = bytearray(plain.read_bytes())
    struct.pack_into("<ii", content, content.index(b"strf") + 12, 96, 112)
    refused(plain, content, "another size or number than its header says")


def test_a_frame_of_impossible_size_is_refused_before_decoding(tmp_path, plain):
    content = bytearray(plain.read_bytes())
    struct.pack_into("<ii", content, content.index(b"strf") + 12, 65535, 65535)
    refused(plain, content, "claims 20 frames of 65535 x 65535, no size of a picture")
    whole = bytearray(write_avi(tmp_path / "clip.avi", moving_noise(2, 16, 16)).read_bytes())
    for start, _ in pictures(whole):
        place = whole.index(b"\xff\xc0", start)
        whole[place + 5 : place + 9] = b"\xff\xff\xff\xff"
    refused(plain, whole, "clip.avi")


def test_the_decoder_knows_the_largest_frame(plain, monkeypatch):
    monkeypatch.setattr(video_module, "LARGEST_PIXELS", 112 * 100)  # of the decoder alone; the header's claim passes
    refused(plain, plain.read_bytes(), "clip.avi cannot be decoded")


DAMAGES = ("bit", "byte", "zero", "delete", "insert", "cut", "swap", "repeat")


def damaged(content, kind: str, draw: random.Random) -> bytes:
    content, at, length = bytearray(content), draw.randrange(len(content)), draw.choice([1, 4, 16, 64, 256, 1024])
    if kind == "bit":
        content[at] ^= 1 << draw.randrange(8)
    elif kind == "byte":
        content[at] = (content[at] + draw.randrange(1, 256)) % 256
    elif kind == "zero":
        content[at : at + length] = bytes(len(content[at : at + length]))
    elif kind == "delete":
        del content[at : at + length]
    elif kind == "insert":
        content[at:at] = draw.randbytes(length)
    elif kind == "cut":
        del content[at:]
    elif kind == "swap":
        at, other = sorted((draw.randrange(len(content) - 2048), draw.randrange(len(content) - 1024)))
        length = min(length, max(other - at, 1))
        content[at : at + length], content[other : other + length] = (
            content[other : other + length], content[at : at + length],
        )  # fmt: skip
    else:
        content[at:at] = content[at : at + length]
    return bytes(content)


def test_random_damage_is_an_error_or_small(avi):
    """What is silently other are single blocks inside a picture: no more than a quarter of all, never a longer film."""
    good, content, draw = read_video(avi), avi.read_bytes(), random.Random(1)
    silent = 0
    for number in range(160):
        avi.write_bytes(damaged(content, DAMAGES[number % 8], draw))
        try:
            frames = read_video(avi)
        except VideoError:
            continue
        assert frames.shape == good.shape
        assert ((frames != good).any((1, 2)).sum()) <= 2
        silent += not np.array_equal(frames, good)
    assert silent <= 40


def test_random_damage_of_films(tmp_path):
    path = mp4(tmp_path / "clip.mp4", moving_noise(20, 64, 96))
    content, draw = path.read_bytes(), random.Random(2)
    for number in range(80):
        path.write_bytes(damaged(content, DAMAGES[number % 8], draw))
        try:
            assert read_video(path).ndim == 3
        except VideoError as error:
            assert "clip.mp4" in str(error)


@pytest.mark.parametrize("name", ["pipe:0", "http:x.avi", "concat:a|b", "subfile,,start,0,end,9,,:x.avi", "Ünï ço.avi"])
def test_names_like_protocols_are_names(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    frames = moving_noise(4, 32, 32)
    os.replace(write_avi(tmp_path / "clip.avi", frames), name)
    assert read_video(name).shape == frames.shape
    with pytest.raises(VideoError, match="is missing"):
        read_video(f"file:{name}")


def test_a_film_cannot_lead_to_another_file(tmp_path):
    """Its data reference becomes an alias to the absolute path of another film, as QuickTime wrote them."""
    secret = mp4(tmp_path / "secret.mov", moving_noise(6, 32, 48))
    content = secret.read_bytes()
    at = content.index(b"url ", content.index(b"dref"))
    target = str(secret).encode()
    record = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12)
    record += bytes([10]) + b"secret.mov".ljust(63, b"\0") + bytes(16) + struct.pack(">hh", -1, -1) + bytes(16)
    record += struct.pack(">hh", 2, len(target)) + target + bytes(len(target) % 2) + struct.pack(">hh", -1, 0)
    reference = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    grown = len(reference) - 12
    content = bytearray(content[: at - 4] + reference + content[at + 8 :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = content.index(box) - 4
        struct.pack_into(">I", content, place, struct.unpack_from(">I", content, place)[0] + grown)
    media = content.index(b"mdat")
    length = struct.unpack_from(">I", content, media - 4)[0]
    content[media + 4 : media - 4 + length] = bytes(length - 8)  # all that could be shown lies in the other film
    refused(tmp_path / "clip.mov", content, "clip.mov")


def test_an_index_of_opendml_that_leads_elsewhere(tmp_path):
    """libav follows this index, and no check of chunks: the pictures it finds must be those that lie there."""
    path = by_phantom(tmp_path / "clip.avi", moving_noise(20, 64, 64))
    content = bytearray(path.read_bytes())
    places, room = pictures(content), content.index(b"JUNK", content.index(b"strf"))
    for lie in (0, 8):
        entries = b"".join(struct.pack("<II", start, length - lie) for start, length in places)
        index = struct.pack("<HBBI4sQI", 2, 0, 1, len(places), b"00dc", 0, 0) + entries
        content[room : room + 4] = b"indx"
        inner = room + 8 + 24 + 16
        table = struct.pack("<HBBI4s12xQII", 4, 0, 0, 1, b"00dc", inner, len(index) + 8, len(places))
        content[room + 8 : inner] = table
        content[inner : inner + 8 + len(index)] = b"ix00" + struct.pack("<I", len(index)) + index
        path.write_bytes(content)
        if not lie:
            assert read_video(path).shape == (20, 64, 64)
    refused(path, content, "frame 0 is not where its index says")


@pytest.mark.parametrize("count", [0, 2])
def test_films_have_one_table_of_contents(tmp_path, count):
    content = mp4(tmp_path / "clip.mp4", moving_noise(6, 32, 48)).read_bytes()
    at = content.index(b"moov") - 4
    moov = content[at : at + struct.unpack_from(">I", content, at)[0]]
    refused(tmp_path / "clip.mp4", content.replace(moov, moov * count), f"it holds {count} moov boxes")


def test_bytes_after_the_last_box(tmp_path):
    content = mp4(tmp_path / "clip.mp4", moving_noise(6, 32, 48)).read_bytes()
    for tail in (b"\0\0\0", b"\0\0\0\1free" + bytes(8), b"\0\0\0\x08\xff\0\0\0"):
        refused(tmp_path / "clip.mp4", content + tail, "no box begins at byte")


def test_a_folder_and_a_locked_file(tmp_path, plain, monkeypatch):
    (tmp_path / "x.avi").mkdir()
    with pytest.raises(VideoError, match=r"x\.avi is missing or not a file"):
        read_video(tmp_path / "x.avi")
    with pytest.raises(VideoError, match=r"x{50}"):
        read_video(tmp_path / ("x" * 5000))

    def locked(*_):
        raise PermissionError(13, "Permission denied", str(plain))

    monkeypatch.setattr("pathlib.Path.open", locked)  # nothing is locked to root
    with pytest.raises(VideoError, match=r"clip\.avi cannot be decoded \(PermissionError"):
        read_video(plain)

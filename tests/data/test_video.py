"""Reading videos: the pixels OpenCV gives, and every broken file refused by name."""

import struct
import sys

import cv2
import numpy as np
import pytest

from echolib.data import DataError, VideoError, crop_to_sector, read_video
from echolib.data import video as video_module
from echolib.data.video import decode_video, rgb_lookup
from tests.data.made import moving_noise, mp4, opencv_rgb, write_avi

BACKENDS = {"opencv": (cv2.CAP_OPENCV_MJPEG, (128, 128)), "ffmpeg": (cv2.CAP_FFMPEG, (127, 127))}


def claim(path, frames):
    """Writes another number of frames into both headers of an AVI."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"avih") + 8 + 16, frames)
    struct.pack_into("<I", content, content.index(b"strh") + 8 + 32, frames)
    path.write_bytes(content)


@pytest.fixture
def avi(tmp_path):
    return write_avi(tmp_path / "clip.avi", moving_noise(20, 56, 64))


@pytest.mark.parametrize("backend", BACKENDS)
def test_luma_is_the_green_channel_and_the_lookup_gives_the_rest(tmp_path, backend):
    code, chroma = BACKENDS[backend]
    path = write_avi(tmp_path / "clip.avi", moving_noise(7, 112, 112), code)
    frames, found = decode_video(path)
    expected = opencv_rgb(path)
    assert frames.dtype == np.uint8 and frames.shape == (7, 112, 112)
    np.testing.assert_array_equal(frames, expected[..., 1])
    assert found == chroma
    np.testing.assert_array_equal(rgb_lookup(found)[frames], expected)


def test_lookup_of_tinted_video(tmp_path):
    grey = moving_noise(3, 64, 64)
    tinted = np.stack([grey // 2, grey // 2 + 20, grey // 2], axis=-1)  # the same tint at every brightness
    path = write_avi(tmp_path / "clip.avi", tinted)
    frames, chroma = decode_video(path)
    assert chroma is not None and chroma != (128, 128)
    np.testing.assert_array_equal(rgb_lookup(chroma)[frames], opencv_rgb(path))


def test_colour_has_no_lookup(tmp_path):
    colour = np.stack([moving_noise(3, 64, 64, seed) for seed in range(3)], axis=-1)
    frames, chroma = decode_video(write_avi(tmp_path / "clip.avi", colour))
    assert chroma is None and frames.shape == (3, 64, 64)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_file_cut_in_mid_frame(avi, share):
    content = avi.read_bytes()
    avi.write_bytes(content[: int(share * len(content))])
    with pytest.raises(VideoError, match=r"clip\.avi is cut short"):
        read_video(avi)


def test_cut_file_with_a_mended_length(avi):
    content = bytearray(avi.read_bytes())[: int(0.6 * avi.stat().st_size)]
    struct.pack_into("<I", content, 4, len(content) - 8)
    avi.write_bytes(content)
    with pytest.raises(VideoError, match=r"clip\.avi"):
        read_video(avi)


def test_header_that_claims_billions_of_frames(avi):
    claim(avi, 2_000_000_000)
    with pytest.raises(VideoError, match=r"clip\.avi: its header claims 2000000000 frames"):
        read_video(avi)


@pytest.mark.parametrize("claimed", [12, 31])
def test_header_with_another_number_of_frames(avi, claimed):
    claim(avi, claimed)
    with pytest.raises(VideoError, match=rf"clip\.avi holds .* frames, its header says {claimed}"):
        read_video(avi)


def test_headers_that_say_different_numbers(avi):
    """The decoder asks the stream's header alone; the file's own counts as well."""
    content = bytearray(avi.read_bytes())
    struct.pack_into("<I", content, content.index(b"avih") + 8 + 16, 31)
    avi.write_bytes(content)
    with pytest.raises(VideoError, match=r"clip\.avi holds 20 frames, its header says 31"):
        read_video(avi)


def test_decoded_size_is_bounded(tmp_path, monkeypatch):
    path = tmp_path / "clip.avi"
    path.write_bytes(mp4(tmp_path / "clip.mp4", moving_noise(20, 56, 64)).read_bytes())
    monkeypatch.setattr(video_module, "LARGEST_BYTES", 5 * 56 * 64)
    with pytest.raises(VideoError, match="decodes to more than"):
        read_video(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "is empty"),
        (b"hello, this is a text\n" * 20, "is no AVI"),
        (b"RIFF\x04\0\0\0AVI ", "clip.avi"),
        (None, "is no AVI"),
    ],
)
def test_files_that_are_no_video(tmp_path, content, word):
    path = tmp_path / "clip.avi"
    if content is None:
        content = cv2.imencode(".png", moving_noise(1, 8, 8)[0])[1].tobytes()
    path.write_bytes(content)
    with pytest.raises(VideoError, match=word) as caught:
        read_video(path)
    assert "clip.avi" in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "none.avi", tmp_path):
        with pytest.raises(VideoError, match="is missing or not a file"):
            read_video(path)


def test_playlists_cannot_reach_other_files(tmp_path, avi):
    playlist = tmp_path / "list.avi"
    playlist.write_text(f"ffconcat version 1.0\nfile '{avi}'\n")
    with pytest.raises(VideoError, match="is no AVI"):
        read_video(playlist)


def test_pictures_of_another_size_inside_a_video(tmp_path):
    small, large = (write_avi(tmp_path / f"{side}.avi", moving_noise(4, side, side)).read_bytes() for side in (32, 48))
    starts = [content.index(b"00dc") + 8 for content in (small, large)]
    lengths = [struct.unpack_from("<I", content, at - 4)[0] for content, at in zip((small, large), starts, strict=True)]
    picture = small[starts[0] :][: lengths[0]].ljust(lengths[1], b"\0")
    path = tmp_path / "mixed.avi"
    path.write_bytes(large[: starts[1]] + picture + large[starts[1] + lengths[1] :])
    with pytest.raises(VideoError, match=r"mixed\.avi"):
        read_video(path)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("volunteer/Apical4chVolunteer.mov", (62, 480, 640)),
        ("echotracker/input.mp4", (45, 768, 1024)),
    ],
)
def test_real_films_agree_with_opencv(cines_folder, name, shape):
    frames = read_video(cines_folder / name)
    assert frames.shape == shape
    grey = opencv_rgb(cines_folder / name)[::15] @ np.array([0.299, 0.587, 0.114], "float32")
    assert np.abs(frames[::15] - grey).mean() < 1  # OpenCV rounds to colour and back


@pytest.mark.parametrize("name", ["volunteer/Apical4chVolunteer.mov", "echotracker/input.mp4"])
@pytest.mark.parametrize("share", [0.4, 0.999])
def test_real_films_cut_short(cines_folder, tmp_path, name, share):
    content = (cines_folder / name).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: int(share * len(content))])
    with pytest.raises(VideoError, match=r"cut\.mp4 is cut short"):
        read_video(tmp_path / "cut.mp4")


def test_decoders_are_not_imported_before_they_are_needed():
    import subprocess

    code = "import sys, echolib.data; print({'av', 'pydicom', 'SimpleITK', 'cv2', 'torch'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def sector_clip():
    """A moving fan with its tip at (40, 80), a still banner, a scale, a moving ECG line: (12, 160, 200)."""
    rows, columns = np.mgrid[:160, :200]
    radius, angle = np.hypot(rows - 40, columns - 80), np.arctan2(columns - 80, rows - 40)
    fan = (radius < 90) & (np.abs(angle) < 0.7)
    frames = np.where(fan, moving_noise(12, 160, 200) // 2 + 40, 0).astype("uint8")
    frames[:, :20] = 180
    frames[:, 30:150:10, 190:194] = 255
    for step in range(12):
        frames[step, 145, : 10 * step + 5] = 200
    return frames, fan


def test_crop_finds_the_moving_fan():
    frames, fan = sector_clip()
    cut, (top, bottom, left, right) = crop_to_sector(frames)
    rows, columns = np.flatnonzero(fan.any(1)), np.flatnonzero(fan.any(0))
    box = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
    np.testing.assert_allclose((top, bottom, left, right), box, atol=5)
    inside = fan[top:bottom, left:right]
    assert (cut[:, inside] == frames[:, top:bottom, left:right][:, inside]).mean() > 0.99
    assert cut[:, ~inside].mean() < 5


def test_crop_of_a_clip_without_motion():
    with pytest.raises(DataError, match="no ultrasound sector"):
        crop_to_sector(np.zeros((10, 60, 60), "uint8"))


@pytest.mark.parametrize(
    ("name", "box"),  # read off the pictures by eye
    [
        ("volunteer/Apical4chVolunteer.mov", (85, 457, 88, 598)),
        ("echotracker/input.mp4", (0, 768, 0, 1024)),
        ("pydicom/examples_ybr_color.dcm", (15, 209, 40, 304)),
    ],
)
def test_crop_of_real_films(cines_folder, name, box):
    frames = read_video(cines_folder / name)
    cut, found = crop_to_sector(frames)
    np.testing.assert_allclose(found, box, atol=0.02 * max(frames.shape[1:]))
    assert cut.shape == (len(frames), found[1] - found[0], found[3] - found[2])

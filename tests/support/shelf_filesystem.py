"""A filesystem for Beam with URLs, shelf://NAME, whose files are in a folder of the local one."""

import os
from pathlib import Path

from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem

ROOT = "SHELF_ROOT"  # environment variable: the folder


class ShelfFileSystem(LocalFileSystem):
    """As an object store, it has no folders, and its rename does not replace a file, as that of HDFS."""

    @classmethod
    def scheme(cls):
        return "shelf"

    def _path(self, url):
        return str(Path(os.environ[ROOT]) / url.removeprefix("shelf://"))

    def _url(self, path):
        return "shelf://" + os.path.relpath(path, os.environ[ROOT])

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def has_dirs(self):
        return False

    def _url_dirname(self, url_or_path):
        return url_or_path.rpartition("/")[0]

    def _list(self, dir_or_prefix):
        for path in sorted(Path(os.environ[ROOT]).rglob("*")):
            if path.is_file() and self._url(path).startswith(dir_or_prefix):
                yield FileMetadata(self._url(path), path.stat().st_size, path.stat().st_mtime)

    def create(self, path, *args, **kwargs):
        return super().create(self._path(path), *args, **kwargs)

    def open(self, path, *args, **kwargs):
        return super().open(self._path(path), *args, **kwargs)

    def exists(self, path):
        return super().exists(self._path(path))

    def rename(self, source_file_names, destination_file_names):
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            if self.exists(destination):
                raise OSError(f"{destination} exists")
            Path(self._path(destination)).parent.mkdir(parents=True, exist_ok=True)
            Path(self._path(source)).rename(self._path(destination))

    def delete(self, paths):
        for path in paths:
            Path(self._path(path)).unlink()

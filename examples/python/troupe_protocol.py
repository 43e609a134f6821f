"""The Python classes of the protocol, made from proto/ when this module is loaded."""

import importlib
import os
import sys
import tempfile

import grpc_tools
from grpc_tools import protoc

_PROTO = os.environ.get(
    "TROUPE_PROTO", os.path.join(os.path.dirname(__file__), "..", "..", "proto")
)
_FILES = ["options", "invocation", "actor", "host"]


def _load():
    target = tempfile.mkdtemp(prefix="troupe-proto-")
    well_known = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    files = [f"troupe/v1/{name}.proto" for name in _FILES]
    failed = protoc.main(
        ["protoc", f"-I{_PROTO}", f"-I{well_known}", f"--python_out={target}", f"--grpc_python_out={target}", *files]
    )
    if failed:
        raise RuntimeError(f"the protocol in {_PROTO} cannot be compiled")
    sys.path.insert(0, target)
    modules = [importlib.import_module(f"troupe.v1.{name}_pb2") for name in _FILES[1:]]
    return [*modules, importlib.import_module("troupe.v1.host_pb2_grpc")]


invocation_pb2, actor_pb2, host_pb2, host_pb2_grpc = _load()

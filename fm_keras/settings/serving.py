"""Where the embedded server listens."""

from __future__ import annotations

from pydantic import Field

from fm_keras.settings.base import Settings


class ServeSettings(Settings):
    """Where the embedded server listens, and what a request may take."""

    host: str = "127.0.0.1"
    """address to listen at; 0.0.0.0 lets other machines ask, and nothing asks them who they are"""
    rest_port: int = Field(8501, ge=0, le=65535)
    """port of REST; 0 for any that is free"""
    grpc_port: int = Field(8500, ge=0, le=65535)
    """port of gRPC; 0 for any that is free"""
    poll: float = Field(1.0, gt=0)
    """seconds between two looks for new versions"""
    timeout: float = Field(30.0, gt=0)
    """seconds that a request may take"""
    max_request: int = Field(128, ge=1, le=2047)
    """MiB that a request may have"""
    threads: int | None = Field(None, ge=1)
    """requests that run at the same time (default: four a core)"""
    drain: float = Field(10.0, ge=1)
    """seconds that requests in flight have when the server stops"""

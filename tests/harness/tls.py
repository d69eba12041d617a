"""TLS endpoint on loopback in front of a Temporal server, and the certificates for it."""

from __future__ import annotations

import asyncio
import ssl
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hpack import Decoder

_CHUNK = 65536
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _PADDED, _PRIORITY, _END_HEADERS = 0x1, 0x8, 0x20, 0x4


class Authority:
    """Certificate authority that only the tests trust; its files are in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority of the tests")
        built = _builder(self._name, self._name, self._key.public_key())
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        #: Its own certificate.
        self.certificate = folder / "authority.pem"
        self.certificate.write_bytes(_pem(built.sign(self._key, hashes.SHA256())))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Issue a certificate for loopback, and return its file and that of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = _builder(_name(name), self._name, key.public_key())
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = built.add_extension(loopback, critical=False).sign(self._key, hashes.SHA256())
        files = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        files[0].write_bytes(_pem(certificate))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files


class TlsEndpoint:
    """Endpoint that decrypts TLS and passes everything on to a server without it.

    Args:
        api_key: has to be in the first request of each connection, or the connection is broken.
        clients: issues the certificates that clients need; they need none by default.
    """

    def __init__(
        self,
        target: str,
        authority: Authority,
        *,
        api_key: str | None = None,
        clients: Authority | None = None,
    ) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._api_key = api_key
        self._loop = asyncio.new_event_loop()
        Thread(target=self._loop.run_forever, daemon=True).start()
        serving = asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=_context(authority, clients)
        )
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        #: Address to connect to instead of the server.
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        """Accept no more connections."""
        self._loop.call_soon_threadsafe(self._server.close)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            begun = await self._checked(reader)
            there, back = await asyncio.open_connection(*self._target)
        except (OSError, PermissionError, asyncio.IncompleteReadError):
            writer.transport.abort()
            return
        back.write(begun)
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))

    async def _checked(self, reader: asyncio.StreamReader) -> bytes:
        """Read the first request's headers, and return all that was read.

        Raises:
            PermissionError: the API key is not in them.
        """
        if self._api_key is None:
            return b""
        read = await reader.readexactly(len(_PREFACE))
        while True:
            head = await reader.readexactly(9)
            body = await reader.readexactly(int.from_bytes(head[:3], "big"))
            read += head + body
            if head[3] == _HEADERS:
                if _headers(head[4], body).get("authorization") != f"Bearer {self._api_key}":
                    raise PermissionError
                return read


def _headers(flags: int, body: bytes) -> dict[str, str]:
    assert flags & _END_HEADERS, "no client of ours sends so many headers"
    assert not flags & _PADDED
    block = body[5:] if flags & _PRIORITY else body
    return {str(name): str(value) for name, value in Decoder().decode(block)}


async def _pass_on(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    try:
        while said := await source.read(_CHUNK):
            to.write(said)
            await to.drain()
    except OSError:
        pass  # one side has closed, so the other one is closed too
    finally:
        to.close()


def _context(authority: Authority, clients: Authority | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    context.set_alpn_protocols(["h2"])
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.certificate)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

# A real mail server (aiosmtpd) or a web server on 127.0.0.1, any port, for tests.
# Writes lines of JSON to standard output: first {"pid", "port"}, then one for each
# thing that it took or refused.
#   notice_servers.py mail [--certificate F --key F] [--busy N] [--refuse]
#   notice_servers.py web  [--certificate F --key F] [--busy N] [--refuse]
#   notice_servers.py mute  takes connections and says nothing
# --busy N: the first N are told to try again; --refuse: all are refused for good.
import argparse
import asyncio
import json
import os
import ssl
import sys

parser = argparse.ArgumentParser()
parser.add_argument("kind", choices=["mail", "web", "mute"])
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--busy", type=int, default=0)
parser.add_argument("--refuse", action="store_true")
args = parser.parse_args()


def say(**what):
    print(json.dumps(what), flush=True)


def verdict():
    if args.refuse:
        return "refused"
    if args.busy > 0:
        args.busy -= 1
        return "busy"
    return "taken"


def tls():
    if not args.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.certificate, args.key)
    return context


class Mailbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        outcome = verdict()
        if outcome != "taken":
            say(outcome=outcome)
            return "451 later" if outcome == "busy" else "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        say(outcome="taken", to=envelope.rcpt_tos, sender=envelope.mail_from,
            tls=session.ssl is not None,
            mail=envelope.content.decode("ascii"))
        return "250 OK"


async def web(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    length = 0
    for line in head.split("\r\n"):
        if line.lower().startswith("content-length:"):
            length = int(line.split(":")[1])
    body = (await reader.readexactly(length)).decode("ascii")
    outcome = verdict()
    say(outcome=outcome, head=head, body=body)
    code = {"taken": "204 No Content", "busy": "503 Busy",
            "refused": "404 Not Found"}[outcome]
    writer.write(f"HTTP/1.1 {code}\r\nContent-Length: 0\r\n\r\n".encode("ascii"))
    await writer.drain()
    writer.close()


async def mute(reader, writer):
    await reader.read()


async def main():
    loop = asyncio.get_running_loop()
    if args.kind == "mail":
        from aiosmtpd.smtp import SMTP
        mailbox = Mailbox()
        server = await loop.create_server(
            lambda: SMTP(mailbox, tls_context=tls(), loop=loop), "127.0.0.1", 0)
    else:
        server = await asyncio.start_server(
            web if args.kind == "web" else mute, "127.0.0.1", 0,
            ssl=tls() if args.kind == "web" else None)
    say(pid=os.getpid(), port=server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


asyncio.run(main())

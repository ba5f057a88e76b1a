# A real mail server (aiosmtpd) for the tests: server.py starttls|smtps FOLDER. Prints its port, then a line of JSON for each mail, as
# Python's own parser of mails reads it. Nobody may send without TLS and a password, and nobody is called "gone".
# A file FOLDER/script says what to do once, instead of what should be done at a step: "RCPT 450 later", "DOT hang", "MAIL close", "DOT vanish"
# (take the mail, and close without a word).
import asyncio, email, email.policy, json, os, ssl, sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

mode, folder = sys.argv[1:3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/server.pem", folder + "/server.key")


def scripted(step):
    try:
        with open(folder + "/script") as script:
            wanted, act = script.read().split(" ", 1)
    except FileNotFoundError:
        return None
    if wanted != step:
        return None
    os.remove(folder + "/script")
    return act


async def act_of(step, server):
    act = scripted(step)
    if act == "hang":
        await asyncio.Event().wait()
    if act == "close":
        server.transport.abort()
        await asyncio.Event().wait()
    return act


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        words = await act_of("EHLO", server)
        session.host_name = hostname
        return [words] if words else responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        words = await act_of("MAIL", server)
        if words:
            return words
        envelope.mail_from = address
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):
        return await act_of("QUIT", server) or "221 Bye"

    async def handle_RCPT(self, server, session, envelope, address, options):
        words = await act_of("RCPT", server)
        if words:
            return words
        if address.startswith("gone@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        words = await act_of("DOT", server)
        if words and words != "vanish":
            return words
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        seen = dict(
            tls=mode == "smtps" or session.ssl is not None,
            auth=bool(session.authenticated),
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            subject=str(mail["Subject"]),
            headers=sorted(mail.keys()),
            id=str(mail["Message-ID"]),
            types=[part.get_content_type() for part in mail.walk()],
            text=mail.get_body(("plain",)).get_content(),
            html=(mail.get_body(("html",)) or mail).get_content() if mail.is_multipart() else "",
            defects=[str(defect) for defect in mail.defects],
        )
        print(json.dumps(seen), flush=True)
        if words == "vanish":
            server.transport.abort()
            await asyncio.Event().wait()
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    words = scripted("AUTH")
    if words:
        return AuthResult(success=False, handled=False, message=words)
    is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"user", b"secret")
    return AuthResult(success=is_right, handled=False)


def factory():
    starttls = mode == "starttls"
    return SMTP(
        Handler(),
        hostname="localhost",
        authenticator=authenticate,
        auth_required=True,
        tls_context=context if starttls else None,
        require_starttls=starttls,
        auth_require_tls=starttls,
    )


async def main():
    server = await asyncio.get_running_loop().create_server(
        factory, "127.0.0.1", 0, ssl=context if mode == "smtps" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

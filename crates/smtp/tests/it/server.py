# A real mail server (aiosmtpd) for the tests: server.py starttls|smtps FOLDER. Prints its port, then a line of JSON for each mail, as
# Python's own parser of mails reads it. Nobody may send without TLS and a password, and nobody is called "gone".
import asyncio, email, email.policy, json, ssl, sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

mode, folder = sys.argv[1:3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder + "/server.pem", folder + "/server.key")


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        seen = dict(
            tls=mode == "smtps" or session.ssl is not None,
            auth=bool(session.authenticated),
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            subject=str(mail["Subject"]),
            headers=sorted(mail.keys()),
            text=mail.get_content(),
            defects=[str(defect) for defect in mail.defects],
        )
        print(json.dumps(seen), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
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

# Python's own parsers of mails and of HTML: a line of JSON with a mail in, a line of JSON with what they make of it out.
import email, email.policy, json, sys
from html.parser import HTMLParser


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append([tag, attributes])

    def handle_endtag(self, tag):
        self.tags.append(["/" + tag, []])

    def handle_comment(self, text):
        self.tags.append(["comment", []])

    handle_decl = handle_pi = unknown_decl = lambda self, text: self.tags.append([text, []])

    def handle_data(self, text):
        self.text.append(text)


def read(raw):
    mail = email.message_from_bytes(raw.encode(), policy=email.policy.default)
    parts = [part for part in mail.walk() if not part.is_multipart()]
    page = Page()
    for part in parts:
        if part.get_content_type() == "text/html":
            page.feed(part.get_content())
            page.close()
    header = lambda name: [[address.display_name, address.addr_spec] for address in mail[name].addresses] if mail[name] else []
    return dict(
        headers=sorted(mail.keys()),
        sender=header("From"),
        to=header("To"),
        subject=str(mail["Subject"]),
        types=[part.get_content_type() for part in parts],
        texts=[part.get_content() for part in parts],
        tags=page.tags,
        shown="".join(page.text),
        defects=[str(defect) for part in mail.walk() for defect in part.defects],
    )


for line in sys.stdin:
    try:
        seen = read(json.loads(line))
    except IndexError as error:
        # A hole of `email.headerregistry`: of some names of an address it asks for the first letter where there is none.
        seen = dict(gave_up=repr(error))
    print(json.dumps(seen), flush=True)

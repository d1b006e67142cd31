"""Signs every request in as an admin, or as nobody.

An operation may end the session that asks, or give it another cookie: whether it lives is asked before each request, and
where it does not, somebody logs in anew.
"""

import os
import subprocess
import urllib.parse
import uuid

import requests
import schemathesis

ORIGIN = os.environ["DOORBOOK_ORIGIN"]
BINARY = os.environ["DOORBOOK_BINARY"]
ADMIN = os.environ["DOORBOOK_CALLER"] == "admin"
PASSWORD = "a violet anchor in the tundra"


class Caller:
    """A browser, as far as cookies go."""

    def __init__(self):
        self.http = requests.Session()
        self.email = None

    def lives(self):
        return self.http.get(f"{ORIGIN}/api/session", timeout=30).json()["authenticated"]

    def token(self):
        return self.http.get(f"{ORIGIN}/api/csrf", timeout=30).json()["csrf_token"]

    def log_in(self):
        wish = {"email": self.email, "password": PASSWORD}
        headers = {"X-CSRFToken": self.token()}
        return self.http.post(f"{ORIGIN}/api/login", json=wish, headers=headers, timeout=30).ok

    def become_an_admin(self):
        if self.email and self.log_in():
            return
        self.email = f"fuzz-{uuid.uuid4()}@example.org"
        create = [BINARY, "user", "create", self.email, "--role", "admin", "--password-stdin"]
        subprocess.run(create, input=PASSWORD, text=True, check=True, capture_output=True)
        if not self.log_in():
            raise RuntimeError("the admin that was just made cannot log in")


CALLER = Caller()


@schemathesis.auth(refresh_interval=None)
class Auth:
    """Cookie and CSRF token, as the document asks for them."""

    def get(self, case, context):
        if ADMIN and not CALLER.lives():
            CALLER.http.cookies.clear()
            CALLER.become_an_admin()
        token = CALLER.token()
        return token, CALLER.http.cookies.get_dict()

    def set(self, case, data, context):
        token, cookies = data
        case.headers["X-CSRFToken"] = token
        for name in ("sessionid", "csrftoken"):
            if name in cookies:
                case.cookies[name] = cookies[name]


# Longer addresses end in the parser of HTTP, with 414 and without an answer of the service.
LONGEST_QUERY = 32_000


@schemathesis.hook
def filter_query(context, query):
    return len(urllib.parse.urlencode(query or {}, doseq=True)) < LONGEST_QUERY
